package io.tokenswap;

import java.util.function.Function;
import java.util.function.Predicate;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Source of the tokens for calls to an API. {@link io.tokenswap.session.TokenSession} is the source that keeps its token fresh; a
 * test may use {@link #of(Token)} or a lambda. Implementations are safe for use by any number of threads and subscribers.
 */
@FunctionalInterface
public interface TokenSource {

    /**
     * Emits a token that is valid now.
     *
     * <p>Cold: each subscription asks again, so the emitted token must not be cached. Emits exactly one token or an error.
     * Cancelling affects no other caller.
     *
     * @return the current token
     */
    Mono<Token> token();

    /**
     * Reports that the API refused a token. The next {@link #token()} obtains another token only if the refused token
     * is still the current one. Reports about older tokens change nothing, so each caller may report what it saw.
     *
     * @param rejected the token that the API refused
     */
    default void invalidate(Token rejected) {
        // A source that cannot obtain another token has nothing to do.
    }

    /**
     * Reports that the API accepted a token. A source that slows down because the API refuses one token after another
     * then returns to its normal pace. {@link #withToken(Function)} calls this method, so most callers need not.
     *
     * @param accepted the token that the API accepted
     */
    default void accept(Token accepted) {
        // A source that does not slow down has nothing to do.
    }

    /**
     * Runs a call with a valid token, and once more with the next token if the call fails with
     * {@link TokenRejectedException}. Most callers want this method.
     *
     * @param call makes the call with the given token, and throws or emits {@link TokenRejectedException} if the API
     *     refuses it
     * @param <T> the type of the result
     * @return the result of the call, as {@link #withToken(Function, Predicate)} describes it
     */
    default <T> Mono<T> withToken(Function<? super Token, ? extends Mono<T>> call) {
        return withToken(call, TokenRejectedException.class::isInstance);
    }

    /**
     * Runs a call with a valid token. If the call fails because the API refused the token, this method invalidates that
     * token and runs the call once more with the next token.
     *
     * <p>Cold. The call runs on the thread that delivers the token: the subscriber's thread, unless a refresh was
     * waited for. Cancelling cancels the call, never a refresh. A second refusal is passed on unchanged, and so is the
     * first one if no other token is available at the moment.
     *
     * @param call makes the call with the given token; called at most twice for each subscription
     * @param rejected returns true for an error of the call that means that the API refused the token, as HTTP status
     *     401 does
     * @param <T> the type of the result
     * @return the result of the call
     * @see <a href="https://www.rfc-editor.org/rfc/rfc6750#section-3.1">RFC 6750 section 3.1</a>
     */
    default <T> Mono<T> withToken(
            Function<? super Token, ? extends Mono<T>> call, Predicate<? super Throwable> rejected) {
        return TokenCall.one(this, call, rejected);
    }

    /**
     * Runs a call that emits many elements, as {@link #withToken(Function)} runs one that emits a single element.
     *
     * @param call makes the call with the given token, and throws or emits {@link TokenRejectedException} if the API refuses it
     * @param <T> the type of the elements
     * @return the elements of the call, as {@link #withTokenMany(Function, Predicate)} describes them
     */
    default <T> Flux<T> withTokenMany(Function<? super Token, ? extends Publisher<T>> call) {
        return withTokenMany(call, TokenRejectedException.class::isInstance);
    }

    /**
     * Runs a call that emits many elements with a valid token. If the call fails because the API refused the token, and
     * has emitted nothing yet, this method invalidates that token and runs the call once more with the next token. An
     * error after the first element is passed on unchanged, as a second run would repeat elements.
     *
     * <p>Cold. Threads and cancellation are those of {@link #withToken(Function, Predicate)}. Requests of the
     * subscriber go to the call.
     *
     * @param call makes the call with the given token; called at most twice for each subscription
     * @param rejected returns true for an error of the call that means that the API refused the token
     * @param <T> the type of the elements
     * @return the elements of the call
     * @see <a href="https://www.rfc-editor.org/rfc/rfc6750#section-3.1">RFC 6750 section 3.1</a>
     */
    default <T> Flux<T> withTokenMany(
            Function<? super Token, ? extends Publisher<T>> call, Predicate<? super Throwable> rejected) {
        return TokenCall.many(this, call, rejected);
    }

    /**
     * Returns a source that always emits the same token, for tests and for tokens that never expire.
     *
     * @param token the token
     * @return the source
     */
    static TokenSource of(Token token) {
        Mono<Token> fixed = Mono.just(token);
        return () -> fixed;
    }
}
