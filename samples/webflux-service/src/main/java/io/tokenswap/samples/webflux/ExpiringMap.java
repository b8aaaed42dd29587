package io.tokenswap.samples.webflux;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Map with a limited number of entries, each with a limited life. The eldest entry is removed first, so a flood of new
 * entries has to replace all others before it reaches a recent one. Safe for use by any thread.
 */
final class ExpiringMap<V> {

    private final int capacity;
    private final Duration life;
    private final InstantSource clock;
    private final Consumer<? super V> onEnd;

    /** In the order in which they were put, so that the eldest is the first to expire. */
    private final Map<String, Entry<V>> entries = new LinkedHashMap<>();

    private record Entry<V>(V value, Instant end) {}

    /**
     * Creates an empty map.
     *
     * @param onEnd gets each value that expires or is displaced, outside any lock
     */
    ExpiringMap(int capacity, Duration life, InstantSource clock, Consumer<? super V> onEnd) {
        this.capacity = capacity;
        this.life = life;
        this.clock = clock;
        this.onEnd = onEnd;
    }

    void put(String key, V value) {
        List<V> ended;
        synchronized (entries) {
            entries.remove(key);
            entries.put(key, new Entry<>(value, clock.instant().plus(life)));
            ended = takeEnded();
        }
        ended.forEach(onEnd);
    }

    @Nullable V get(String key) {
        evict();
        synchronized (entries) {
            Entry<V> entry = entries.get(key);
            return entry == null ? null : entry.value();
        }
    }

    /** Returns the value of a key and renews its life. A value that was removed meanwhile is not put back. */
    @Nullable V touch(String key) {
        List<V> ended;
        Entry<V> entry;
        synchronized (entries) {
            ended = takeEnded();
            entry = entries.remove(key);
            if (entry != null) {
                entries.put(key, new Entry<>(entry.value(), clock.instant().plus(life)));
            }
        }
        ended.forEach(onEnd);
        return entry == null ? null : entry.value();
    }

    @Nullable V remove(String key) {
        evict();
        synchronized (entries) {
            Entry<V> entry = entries.remove(key);
            return entry == null ? null : entry.value();
        }
    }

    /** Removes expired entries. */
    void evict() {
        List<V> ended;
        synchronized (entries) {
            ended = takeEnded();
        }
        ended.forEach(onEnd);
    }

    /** Removes all entries. */
    void clear() {
        List<V> ended;
        synchronized (entries) {
            ended = entries.values().stream().map(Entry::value).toList();
            entries.clear();
        }
        ended.forEach(onEnd);
    }

    private List<V> takeEnded() {
        List<V> ended = new ArrayList<>();
        Instant now = clock.instant();
        Iterator<Entry<V>> eldestFirst = entries.values().iterator();
        while (eldestFirst.hasNext()) {
            Entry<V> eldest = eldestFirst.next();
            if (entries.size() <= capacity && now.isBefore(eldest.end())) {
                break;
            }
            eldestFirst.remove();
            ended.add(eldest.value());
        }
        return ended;
    }
}
