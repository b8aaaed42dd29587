package io.tokenswap.session;

import java.time.Instant;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Map;
import java.util.NavigableSet;
import java.util.TreeSet;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Keys in the order in which their records expire. A later end of a key is not noted. When the noted time has come, the store
 * returns the present end. A refresh moves the end, and thus costs nothing here.
 */
final class Expiry {

    /** Number of keys that one call looks at, so that no call takes long. */
    private static final int AT_ONCE = 4;

    /** The end at which a key is looked at next. */
    private final Map<String, Instant> next = new HashMap<>();

    private final NavigableSet<Due> queue =
            new TreeSet<>(Comparator.comparing(Due::at).thenComparing(Due::key));

    synchronized void add(String key, Instant at) {
        Instant earlier = next.get(key);
        if (earlier == null || at.isBefore(earlier)) {
            next.put(key, at);
            if (earlier != null) {
                queue.remove(new Due(key, earlier));
            }
            queue.add(new Due(key, at));
        }
    }

    /**
     * Looks at keys whose time has come.
     *
     * @param expire removes a key if its time has come; returns its later end otherwise, and null once it is removed
     */
    void poll(Instant now, Function<String, @Nullable Instant> expire) {
        for (int i = 0; i < AT_ONCE; i++) {
            Due due = next(now);
            if (due == null) {
                return;
            }
            Instant later = expire.apply(due.key);
            if (later != null) {
                add(due.key, later.isAfter(now) ? later : now.plusSeconds(60));
            }
        }
    }

    private synchronized @Nullable Due next(Instant now) {
        if (queue.isEmpty() || queue.first().at.isAfter(now)) {
            return null;
        }
        Due due = queue.pollFirst();
        next.remove(due.key);
        return due;
    }

    private record Due(String key, Instant at) {}
}
