package io.tokenswap.samples.exchange;

import com.github.benmanes.caffeine.cache.AsyncCache;
import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.Ticker;
import io.tokenswap.OAuthErrorException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import reactor.core.publisher.Mono;
import reactor.util.context.Context;

/**
 * Merges requests with the same code or refresh token into one request to the provider. The request belongs to the
 * server and not to its callers: a caller that hangs up ends nothing, and the result is kept for the caller that comes
 * back.
 *
 * <p>A refresh has one result for all callers that ask within {@link #REPEATABLE} of it. Of failures only
 * {@code invalid_grant} is kept, because the provider would only say it again. A code is sent once. Its first request
 * gets the result, and each other gets {@code invalid_grant}, unless the code was certainly not sent.
 */
final class ProviderRequests {

    static final Duration REPEATABLE = Duration.ofSeconds(30);

    /** Life of a code. The codes of providers live about as long, and sealed ones shorter. */
    static final Duration CODE_LIFE = Duration.ofMinutes(10);

    private static final long RESULTS_BYTES = 24L * 1024 * 1024;
    private static final long CODES_BYTES = 16L * 1024 * 1024;
    /** Of an entry without its result: the key, the future and the cache's own. */
    private static final int ENTRY_BYTES = 180;

    private static final int FAILURE_BYTES = 120;

    private final SharedClaims claims;
    private final Ticker ticker;
    private final AsyncCache<GrantKey, Result> refreshes;
    private final Cache<GrantKey, Boolean> codes;
    /** The kind of the last grant. A race for it costs memory and no more. */
    private volatile KeptGrant.Kind kind = new KeptGrant.Kind("Bearer", "");

    ProviderRequests(SharedClaims claims, Ticker ticker) {
        this.claims = claims;
        this.ticker = ticker;
        this.refreshes = Caffeine.newBuilder()
                .ticker(ticker)
                .expireAfterWrite(REPEATABLE)
                .maximumWeight(RESULTS_BYTES)
                .<GrantKey, Result>weigher((key, result) -> ENTRY_BYTES + result.weight())
                .executor(Runnable::run)
                .buildAsync();
        this.codes = Caffeine.newBuilder()
                .ticker(ticker)
                .expireAfterWrite(CODE_LIFE)
                .maximumWeight(CODES_BYTES)
                .<GrantKey, Boolean>weigher((key, used) -> ENTRY_BYTES)
                .executor(Runnable::run)
                .build();
    }

    /**
     * Refreshes, or joins the refresh of the same token that is in flight or has just ended.
     *
     * @param request sends the request when it is subscribed to
     */
    Mono<Grant> refresh(GrantKey key, Mono<Grant> request) {
        return Mono.defer(() -> {
            CompletableFuture<Result> fresh = new CompletableFuture<>();
            CompletableFuture<Result> inFlight = refreshes.asMap().putIfAbsent(key, fresh);
            while (inFlight != null && isExpired(inFlight)) {
                refreshes.asMap().remove(key, inFlight);
                inFlight = refreshes.asMap().putIfAbsent(key, fresh);
            }
            if (inFlight == null) {
                start(claims.refresh(key, request), fresh, failure -> {
                    if (!isInvalidGrant(failure)) {
                        refreshes.asMap().remove(key, fresh);
                    }
                });
            }
            return await(inFlight == null ? fresh : inFlight);
        });
    }

    /**
     * Swaps a code that was not swapped here before.
     *
     * @param request sends the request when it is subscribed to
     */
    Mono<Grant> swap(GrantKey key, Mono<Grant> request) {
        return Mono.defer(() -> {
            if (codes.asMap().putIfAbsent(key, true) != null) {
                return Mono.error(ErrorResponse.usedCode());
            }
            CompletableFuture<Result> result = new CompletableFuture<>();
            start(claims.swap(key, request), result, failure -> {
                if (failure instanceof ErrorResponse response && response.processed == ErrorResponse.Processed.NO) {
                    codes.invalidate(key);
                }
            });
            return await(result);
        });
    }

    /**
     * Returns true if a result is too old for a repeat. The expiry of the cache begins after the callers have their
     * response, and is exact to a second only: it frees memory.
     */
    private boolean isExpired(CompletableFuture<Result> refresh) {
        Result result = refresh.getNow(null);
        return result != null && ticker.read() - result.at() >= REPEATABLE.toNanos();
    }

    /** Subscribes on behalf of the server: with no context of a caller, and not to be cancelled by one. */
    private void start(Mono<Grant> request, CompletableFuture<Result> result, Consumer<Throwable> onFailure) {
        request.switchIfEmpty(Mono.error(() -> new IllegalStateException("A request without a result")))
                .subscribe(
                        grant -> result.complete(keep(grant)),
                        failure -> {
                            onFailure.accept(failure);
                            // Not completeExceptionally: the cache would log each failure with a stack trace.
                            result.complete(new Failed(failure, ticker.read()));
                        },
                        null,
                        Context.empty());
    }

    private static Mono<Grant> await(CompletableFuture<Result> result) {
        // Without the second argument, the first caller that hangs up would end the future of all.
        return Mono.fromFuture(result, true).flatMap(Result::toMono);
    }

    private static boolean isInvalidGrant(Throwable failure) {
        return failure instanceof ErrorResponse response && response.error.equals(OAuthErrorException.INVALID_GRANT);
    }

    private KeptGrant keep(Grant grant) {
        KeptGrant.Kind shared = kind.of(grant);
        kind = shared;
        return new KeptGrant(grant, shared, ticker.read());
    }

    /** The end of a request. Many are kept at a time, so that an object less for each is worth it. */
    sealed interface Result permits KeptGrant, Failed {

        /** Returns the time by the ticker. */
        long at();

        /** Returns about the bytes on the heap, at a byte for each character. */
        int weight();

        /** Returns the grant, or the error. */
        Mono<Grant> toMono();
    }

    private record Failed(Throwable failure, long at) implements Result {

        @Override
        public int weight() {
            return FAILURE_BYTES;
        }

        @Override
        public Mono<Grant> toMono() {
            return Mono.error(failure);
        }
    }
}
