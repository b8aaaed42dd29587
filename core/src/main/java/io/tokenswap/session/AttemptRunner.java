package io.tokenswap.session;

import io.tokenswap.LoginRequiredException;
import io.tokenswap.RefreshToken;
import io.tokenswap.Token;
import io.tokenswap.TokenSwapException;
import java.util.Objects;
import reactor.core.publisher.Mono;

/** Attempts without a store, and the meaning of errors in all attempts. */
final class AttemptRunner {

    private AttemptRunner() {}

    /** Refreshes the token of a session that has no store. */
    static Mono<AttemptResult> direct(SessionEngine session) {
        Token current = session.current().token();
        RefreshToken refreshToken = Objects.requireNonNull(current.refreshToken());
        return TokenRequests.refresh(current, refreshToken, session.settings(), AttemptResult.Issued::new);
    }

    /** Asks the user to sign in, by the hook of the application. */
    static Mono<AttemptResult> signIn(SessionEngine session, LoginRequiredException reason) {
        return Mono.<Token>from(
                        Objects.requireNonNull(session.settings().login()).apply(reason))
                .map(AttemptResult.Issued::new);
    }

    /** Converts an error of an attempt to its result. */
    static AttemptResult failed(Throwable error) {
        return new AttemptResult.Failed(
                error instanceof RecordStore.StoreFailure failure ? storeFailed(failure) : TokenRequests.typed(error));
    }

    static TokenSwapException storeFailed(RecordStore.StoreFailure failure) {
        return failure.toCallers();
    }
}
