package io.tokenswap.session;

import io.tokenswap.LoginRequiredException;
import io.tokenswap.Token;
import io.tokenswap.session.RecordStore.StoreFailure;
import io.tokenswap.session.TokenStore.Entry;
import io.tokenswap.session.TokenStore.Kind;
import io.tokenswap.session.TokenStore.Record;
import io.tokenswap.session.TokenStore.State;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Objects;
import java.util.concurrent.TimeoutException;
import reactor.core.publisher.Mono;

/** Begins sessions with a record of a store, a new one or a stored one. */
record SessionOpening(SessionSettings settings, RecordStore store) {

    Mono<TokenSession> start(Token token) {
        return limited(Mono.defer(() -> {
            String login = settings.newLogin();
            return store.loadFor(Kind.LOGIN)
                    .map(entry -> Record.login(since(entry), login, token))
                    .flatMap(record -> store.put(record, Kind.LOGIN, 0))
                    .map(this::session);
        }));
    }

    Mono<TokenSession> restore() {
        return limited(store.load()
                .filter(entry -> entry.record() != null && entry.record().state() == State.LIVE)
                .map(this::session));
    }

    /**
     * Returns the time of the sign-in by the store's clock, which is asked at once, and in any case a time after the
     * stored record.
     */
    private static Instant since(Entry entry) {
        Instant since = entry.now().truncatedTo(ChronoUnit.MILLIS); // as versions are compared
        Instant floor =
                entry.record() == null ? Instant.MIN : entry.record().version().since();
        return since.isAfter(floor) ? since : floor.plusMillis(1);
    }

    private TokenSession session(Entry entry) {
        Record record = entry.record();
        if (record == null || record.token() == null) {
            throw new LoginRequiredException("The user has signed out meanwhile. Sign in again.", null);
        }
        return new DefaultTokenSession(
                settings,
                new StoreLink(store),
                Objects.requireNonNull(record.token()),
                Stored.of(record, settings.elapsed()));
    }

    private <T> Mono<T> limited(Mono<T> opening) {
        return AttemptLimit.applyForCaller(opening, DefaultTokenSession.STORE_PATIENCE, settings)
                .onErrorMap(TimeoutException.class, StoreFailure::describe)
                .onErrorMap(StoreFailure.class, StoreFailure::toCallers);
    }
}
