package io.tokenswap.session;

import java.util.Arrays;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Observers of a session as one immutable value: null, a single observer, or an array. Most sessions have at most one
 * observer, and an array would cost them memory.
 */
@SuppressWarnings("ReferenceEquality") // observers have an identity
final class Observers {

    private Observers() {}

    static Object plus(@Nullable Object all, SessionObserver<?> observer) {
        if (all == null) {
            return observer;
        }
        SessionObserver<?>[] more;
        if (all instanceof SessionObserver<?>[] many) {
            more = Arrays.copyOf(many, many.length + 1);
        } else {
            more = new SessionObserver<?>[2];
            more[0] = (SessionObserver<?>) all;
        }
        more[more.length - 1] = observer;
        return more;
    }

    static @Nullable Object minus(@Nullable Object all, SessionObserver<?> observer) {
        if (!(all instanceof SessionObserver<?>[] many)) {
            return all == observer ? null : all;
        }
        int index = 0;
        while (index < many.length && many[index] != observer) {
            index++;
        }
        if (index == many.length) {
            return all;
        }
        if (many.length == 2) {
            return many[1 - index];
        }
        SessionObserver<?>[] fewer = new SessionObserver<?>[many.length - 1];
        System.arraycopy(many, 0, fewer, 0, index);
        System.arraycopy(many, index + 1, fewer, index, fewer.length - index);
        return fewer;
    }

    static boolean needTokens(@Nullable Object all) {
        if (all instanceof SessionObserver<?>[] many) {
            for (SessionObserver<?> observer : many) {
                if (observer.needsTokens()) {
                    return true;
                }
            }
            return false;
        }
        return all != null && ((SessionObserver<?>) all).needsTokens();
    }

    /** Lets the observers look that a change concerns, by other threads. Without a change, all of them look. */
    static void look(@Nullable Object all, @Nullable Phase before, @Nullable Phase after, Executor calls) {
        if (all instanceof SessionObserver<?>[] many) {
            Looks looks = new Looks(many.length);
            for (SessionObserver<?> observer : many) {
                if (begins(observer, before, after)) {
                    looks.add(observer);
                }
            }
            if (looks.hasNext()) {
                CallBatch.run(calls, looks);
            }
        } else if (all != null) {
            SessionObserver<?> observer = (SessionObserver<?>) all;
            if (begins(observer, before, after)) {
                calls.execute(observer);
            }
        }
    }

    private static boolean begins(SessionObserver<?> observer, @Nullable Phase before, @Nullable Phase after) {
        return (before == null || after == null || observer.isConcerned(before, after)) && observer.beginsLook();
    }

    /** The observers that have begun to look. */
    private static final class Looks implements CallBatch.Calls {

        private final SessionObserver<?>[] observers;
        private final AtomicInteger next = new AtomicInteger();
        private int count;

        Looks(int most) {
            observers = new SessionObserver<?>[most];
        }

        void add(SessionObserver<?> observer) {
            observers[count++] = observer;
        }

        @Override
        public @Nullable Runnable next() {
            int index = next.getAndIncrement();
            return index < count ? observers[index] : null;
        }

        @Override
        public boolean hasNext() {
            return next.get() < count;
        }
    }
}
