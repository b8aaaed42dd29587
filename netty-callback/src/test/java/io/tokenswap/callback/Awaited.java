package io.tokenswap.callback;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** What a future comes to, for which a test waits as long as a test may take. */
final class Awaited {

    private Awaited() {}

    /**
     * The result. By {@link CompletableFuture#get} and not by {@code orTimeout}: that would have the thread that completes the
     * future, an event loop for example, take a lock to cancel a timer.
     *
     * @throws CompletionException as {@link CompletableFuture#join} does
     */
    static <T> T of(CompletableFuture<T> future) {
        try {
            return future.get(30, TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            throw new CompletionException(e.getCause());
        } catch (TimeoutException e) {
            throw new AssertionError("Still not complete: " + future, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }
}
