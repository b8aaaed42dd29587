package io.tokenswap.samples.exchange.redis;

import java.time.Duration;
import java.util.List;
import reactor.core.publisher.Mono;

/**
 * Entries that all instances see, each with an end. An entry belongs to the holder whose claim made it, and only that
 * holder replaces or removes it. Each operation is one atomic step, and ends within {@link #DEADLINE}. Any error means
 * that the memory cannot be reached, and that the operation may have been carried out. Safe for use by any thread.
 */
public interface SharedMemory {

    /** The longest time of an operation. */
    Duration DEADLINE = Duration.ofMillis(200);

    /**
     * An entry as it is.
     *
     * @param value the claim of its holder, or what has replaced it
     * @param left the time until its end
     */
    record Entry(String value, Duration left) {}

    /** Makes an entry unless there is one. Emits the entry that was there, or nothing if the claim has made one. */
    Mono<Entry> claim(String key, String claim, Duration life);

    /** Emits the entry, or nothing if there is none. */
    Mono<Entry> read(String key);

    /** Replaces the claim by a value, if the claim is still there. */
    Mono<Void> replace(String key, String claim, String value, Duration life);

    /** Removes the entry, if the claim is still there. */
    Mono<Void> remove(String key, String claim);

    /** Adds a name to a list for a while, and emits all names on it. */
    Mono<List<String>> announce(String list, String name, Duration life);
}
