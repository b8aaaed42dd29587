package io.tokenswap.session;

import io.tokenswap.LoginRequiredException;
import io.tokenswap.Token;
import io.tokenswap.session.RecordStore.Reading;
import io.tokenswap.session.RecordStore.StoreFailure;
import io.tokenswap.session.Stored.Unsaved;
import io.tokenswap.session.TokenStore.Entry;
import io.tokenswap.session.TokenStore.Kind;
import io.tokenswap.session.TokenStore.Record;
import io.tokenswap.session.TokenStore.State;
import io.tokenswap.session.TokenStore.Version;
import java.util.Objects;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * Begins sessions with a record of a store, a new one or a stored one.
 *
 * @param settings the options of the session
 * @param store the record
 * @param link what connects the session with the record
 */
record SessionOpening(SessionSettings settings, RecordStore store, StoreLink link) {

    SessionOpening(SessionSettings settings, RecordStore store) {
        this(settings, store, StoreLink.to(store));
    }

    /** Stores the token of a sign-in, which happens at the subscription, and after the login that is stored by then. */
    Mono<TokenSession> start(Token token) {
        return limited(written(Kind.LOGIN, token).map(this::session));
    }

    /** Writes a login or a sign-out, which happens at the subscription. */
    private Mono<Entry> written(Kind kind, @Nullable Token token) {
        return Mono.defer(() -> {
            Moment now = settings.moment();
            String login = settings.newLogin();
            return store.loadFor(kind)
                    .map(read -> Unsaved.command(kind, token, login, now, storedAt(now, read), 0)
                            .at(read.now(), read.asked()))
                    .flatMap(command -> store.put(Objects.requireNonNull(command.record()), kind, 0));
        });
    }

    /** Returns the version that was stored at a moment, or null if the store was read later. */
    private static @Nullable Version storedAt(Moment moment, Reading read) {
        Record record = read.record();
        boolean inTime = read.asked().since(moment) <= RecordStore.LIMIT.toMillis();
        return record != null && inTime ? record.version() : null;
    }

    Mono<TokenSession> restore() {
        return limited(store.load()
                .filter(entry -> entry.record() != null && entry.record().state() == State.LIVE)
                .map(this::session));
    }

    /** Stores a sign-out in place of a record that cannot be read, so that there is no session which could do that. */
    Mono<Void> signOut() {
        return limited(written(Kind.SIGN_OUT, null).then());
    }

    private TokenSession session(Entry entry) {
        Record record = entry.record();
        if (record == null || record.token() == null) {
            throw new LoginRequiredException("The user has signed out meanwhile. Sign in again.", null);
        }
        return new DefaultTokenSession(
                settings, link, Objects.requireNonNull(record.token()), Stored.of(record, settings.elapsed()));
    }

    private <T> Mono<T> limited(Mono<T> opening) {
        return AttemptLimit.applyForCaller(opening, DefaultTokenSession.STORE_PATIENCE, settings)
                .onErrorMap(TimeoutException.class, StoreFailure::describe)
                .onErrorMap(StoreFailure.class, StoreFailure::toCallers);
    }
}
