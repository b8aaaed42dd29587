package io.tokenswap.spring;

import io.tokenswap.AuthorizationCode;
import io.tokenswap.Token;
import io.tokenswap.TokenEndpoint;
import io.tokenswap.TokenUnavailableException;
import io.tokenswap.TokenUnavailableException.Reason;
import io.tokenswap.internal.Sha256;
import java.time.Duration;
import java.util.Base64;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Function;
import reactor.core.publisher.Mono;
import reactor.util.context.Context;

/**
 * Swaps that redirects have begun. A swap belongs to no request: it continues when the browser is gone, and a repeated
 * redirect gets its outcome, for two minutes.
 *
 * <pre>
 *  first redirect --+--> swap --token--> sign in --user--> response
 *  a repetition ----+        \--the code was not sent, or the store failed: the next repetition continues there
 * </pre>
 */
final class Redirects {

    private static final int MOST = 10_000;
    private static final long KEPT_NANOS = Duration.ofMinutes(2).toNanos();
    private static final Duration FOR_EVER = Duration.ofMillis(Long.MAX_VALUE);

    private final TokenEndpoint endpoint;

    /** In the order in which they began. */
    private final Map<String, Attempt> attempts = new LinkedHashMap<>();

    private record Attempt(Mono<String> user, long begunAt) {}

    Redirects(TokenEndpoint endpoint) {
        this.endpoint = endpoint;
    }

    /**
     * Returns the outcome of a redirect.
     *
     * @param login the name of the sign-in
     * @param signIn makes a user of the token; called again only if it failed
     * @return what {@code signIn} returned for the first redirect that succeeded
     */
    Mono<String> finish(String login, AuthorizationCode code, Function<Token, Mono<String>> signIn) {
        return Mono.defer(() -> attempt(login, code, signIn));
    }

    private Mono<String> attempt(String login, AuthorizationCode code, Function<Token, Mono<String>> signIn) {
        String key = login + " " + Base64.getEncoder().encodeToString(Sha256.of(code.secret()));
        long now = System.nanoTime();
        synchronized (attempts) {
            Iterator<Attempt> eldestFirst = attempts.values().iterator();
            while (eldestFirst.hasNext()
                    && (now - eldestFirst.next().begunAt() > KEPT_NANOS || attempts.size() > MOST)) {
                eldestFirst.remove();
            }
            return attempts.computeIfAbsent(key, absent -> new Attempt(begin(code, signIn), now))
                    .user();
        }
    }

    /** Continues when a browser cancels: a cached Mono has a separate subscription, and here a separate context. */
    private Mono<String> begin(AuthorizationCode code, Function<Token, Mono<String>> signIn) {
        Mono<Token> token = Mono.defer(() -> endpoint.swap(code))
                .cache(
                        swapped -> FOR_EVER,
                        error -> isCodeUnused(error) ? Duration.ZERO : FOR_EVER,
                        () -> Duration.ZERO);
        return token.flatMap(signIn)
                .contextWrite(request -> Context.empty())
                .cache(user -> FOR_EVER, error -> Duration.ZERO, () -> Duration.ZERO);
    }

    /** Returns true if the code was not sent, so that it is good for another attempt. */
    static boolean isCodeUnused(Throwable error) {
        return error instanceof TokenUnavailableException unavailable && unavailable.reason() == Reason.NOT_SENT;
    }
}
