package io.tokenswap.session;

import io.tokenswap.LoginRequiredException;
import io.tokenswap.Token;
import io.tokenswap.TokenSwapException;
import io.tokenswap.session.TokenStore.Record;
import org.jspecify.annotations.Nullable;

/**
 * Phase after the end of the grant: nothing is refreshed any more, and only a login leads back. The session keeps the token
 * without its refresh token, and serves it while it is usable.
 */
sealed interface EndedPhase extends Phase permits SigningInPhase, LoginRequiredPhase {

    /**
     * Ends the grant.
     *
     * @param message what callers without a usable token get
     * @param cause the refusal by the server, or null
     */
    static EndedPhase of(
            ServedToken served,
            String message,
            @Nullable TokenSwapException cause,
            Moment moment,
            SessionSettings settings) {
        return of(served, new LoginRequiredException(message, cause), moment, settings);
    }

    static EndedPhase of(ServedToken served, LoginRequiredException error, Moment moment, SessionSettings settings) {
        Token remaining = served.token().refreshToken() == null
                ? served.token()
                : served.token().toBuilder().refreshToken(null).build();
        ServedToken kept = served.with(remaining);
        return settings.login() == null
                ? new LoginRequiredPhase(kept, error, null, moment.by(kept.offset()))
                : new SigningInPhase(kept, RefreshAttempt.signIn(error));
    }

    /** Another end of the grant, or a sign-out elsewhere, changes nothing: the user is not asked a second time. */
    @Override
    default Phase adopted(Record record, Moment moment, SessionSettings settings) {
        return record.state() == TokenStore.State.LIVE
                ? Phase.super.adopted(record, moment, settings)
                : noted(record, moment);
    }

    @Override
    default Phase removed(Record last, Moment moment, SessionSettings settings) {
        return stored().compare(last) == 0 && !served().refused() ? with(served().refuse()) : this;
    }
}
