package io.tokenswap.internal;

import org.jspecify.annotations.Nullable;

/**
 * A source of values that often has one ready, so that its user needs no subscription.
 *
 * @param <T> the type of the values
 */
public interface ReadySource<T> {

    /**
     * Returns the value that the source would emit at once to a subscriber.
     *
     * @return the value, or null if none is ready
     */
    @Nullable T ready();
}
