package io.tokenswap.session;

import io.tokenswap.SessionClosedException;
import io.tokenswap.Token;
import io.tokenswap.TokenUnavailableException.Reason;
import io.tokenswap.internal.ReadySource;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Session as applications see it: the methods of {@link TokenSession}, on top of the {@link SessionEngine}. Nothing
 * happens before a subscription.
 */
final class DefaultTokenSession extends SessionEngine implements TokenSession, ReadySource<Token> {

    /** Longest wait of a caller until the store has taken a login, a sign-out or the last token. */
    static final Duration STORE_PATIENCE = Duration.ofSeconds(10);

    DefaultTokenSession(SessionSettings settings, SessionLink link, Token token, Stored stored) {
        super(settings, link, token, stored);
    }

    @Override
    public Mono<Token> token() {
        return SessionCallers.token(this);
    }

    @Override
    public @Nullable Token ready() {
        return SessionCallers.ready(this);
    }

    @Override
    public Flux<Token> tokens() {
        return TokenStream.of(this, false);
    }

    @Override
    public Flux<Token> tokensUntilClosed() {
        return TokenStream.of(this, true);
    }

    @Override
    public Flux<SessionState> states() {
        return StateStream.of(this);
    }

    @Override
    public Flux<SessionEvent> events() {
        return EventStream.of(this);
    }

    @Override
    public Mono<Token> refresh() {
        return SessionCallers.next(this);
    }

    @Override
    public void invalidate(Token rejected) {
        change((found, moment) -> found.token().accessToken().equals(rejected.accessToken())
                ? found.invalidated(moment, settings())
                : found);
    }

    @Override
    public void accept(Token accepted) {
        if (current().served().rejections() > 0) {
            change((found, moment) ->
                    found.token().accessToken().equals(accepted.accessToken()) ? found.accepted() : found);
        }
    }

    @Override
    public Mono<Void> renew(Token next) {
        Objects.requireNonNull(next, "token");
        return Mono.defer(() -> {
            String login = settings().newLogin();
            // As the last try found it: the session may be closed between two tries.
            AtomicBoolean closed = new AtomicBoolean();
            change((found, moment) -> {
                closed.setPlain(found instanceof ClosedPhase);
                return found.renewed(next, login, moment, settings());
            });
            return closed.getPlain() ? Mono.error(new SessionClosedException()) : saved();
        });
    }

    @Override
    public Mono<Void> signOut() {
        return Mono.defer(() -> {
            String login = settings().newLogin();
            change((found, moment) -> found.signedOut(login, moment));
            return saved();
        });
    }

    @Override
    public void dispose() {
        change((found, moment) -> found.closed(moment));
    }

    @Override
    public boolean isDisposed() {
        return current() instanceof ClosedPhase;
    }

    @Override
    public Mono<Void> disposeLater() {
        return Mono.defer(() -> {
            dispose();
            RefreshAttempt attempt = current() instanceof ClosedPhase closed ? closed.inFlight() : null;
            return (attempt == null ? Mono.<Void>empty() : attempt.finished()).then(Mono.defer(this::saved));
        });
    }

    /** Completes when nothing is unsaved. Fails after a while, but the session continues to try as long as it lives. */
    private Mono<Void> saved() {
        return current().stored().unsaved() == null
                ? Mono.empty()
                : AttemptLimit.applyForCaller(
                                until(found -> found.stored().unsaved() == null), STORE_PATIENCE, settings())
                        .onErrorMap(TimeoutException.class, late -> untaken(lastStoreFailure()));
    }

    private static Throwable untaken(@Nullable Throwable cause) {
        return cause instanceof TokenStore.UnreadableRecordException
                ? RecordStore.StoreFailure.describe(cause)
                : TokenRequests.unavailable(
                        "The store did not take the token within " + STORE_PATIENCE.toSeconds()
                                + " s. It is saved as soon as the store is reachable, while this program runs.",
                        Reason.STORE_FAILED,
                        cause);
    }
}
