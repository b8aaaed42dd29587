package io.tokenswap;

import java.util.function.Function;
import java.util.function.Predicate;
import reactor.core.publisher.Mono;

/**
 * Where calls to an API get their token. {@link io.tokenswap.session.TokenSession} is the source that keeps it fresh; a lambda will do in a test.
 * Implementations are safe for use by any number of threads and subscribers.
 */
@FunctionalInterface
public interface TokenSource {

    /**
     * A token that is valid now.
     *
     * <p>Cold: each subscription asks anew, so never cache what it emitted. Emits exactly one token or an error. Cancelling
     * harms no other caller.
     *
     * @return the current token
     */
    Mono<Token> token();

    /**
     * Reports that the API refused a token. Only if exactly that token is still the current one will the next
     * {@link #token()} obtain another; reports about older tokens change nothing, so every caller may report what it saw.
     *
     * @param rejected the token that was refused
     */
    default void invalidate(Token rejected) {
        // A source that cannot obtain another token has nothing to do.
    }

    /**
     * Runs a call with a valid token. When the call fails in a way that says that the token was refused, invalidates exactly
     * that token and runs the call once more with its successor. This is what most callers want.
     *
     * <p>Cold. The call runs on the thread that delivers the token: the subscriber's, unless a refresh was waited for.
     * Cancelling cancels the call, never a refresh. A second refusal is passed on as it is.
     *
     * @param call makes the call with the token that it is given; called at most twice a subscription
     * @param refused whether an error of the call means that its token was refused, an HTTP status 401 as a rule
     * @param <T> what the call yields
     * @return the result of the call
     * @see <a href="https://www.rfc-editor.org/rfc/rfc6750#section-3.1">RFC 6750 section 3.1</a>
     */
    default <T> Mono<T> withToken(
            Function<? super Token, ? extends Mono<T>> call, Predicate<? super Throwable> refused) {
        return token().flatMap(token -> Mono.<T>defer(() -> call.apply(token)).onErrorResume(refused, error -> {
            invalidate(token);
            return token().flatMap(call);
        }));
    }
}
