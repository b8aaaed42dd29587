package io.tokenswap.session;

import io.tokenswap.TokenUnavailableException;
import io.tokenswap.TokenUnavailableException.Reason;
import io.tokenswap.session.TokenStore.Acquired;
import io.tokenswap.session.TokenStore.Entry;
import io.tokenswap.session.TokenStore.Kind;
import io.tokenswap.session.TokenStore.Record;
import io.tokenswap.session.TokenStore.UnreadableRecordException;
import io.tokenswap.session.TokenStore.Version;
import java.time.Duration;
import java.time.Instant;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * The store as one session sees it: one key, one owner, and a limit for each operation. Every failure of the store,
 * whatever its type, comes out as a {@link StoreFailure}. The origin of an error is told by the place where it passed,
 * never by its type.
 */
final class RecordStore {

    /** Time limit of one operation of the store. */
    static final Duration LIMIT = Duration.ofSeconds(5);

    /** The key of the blank name, which no user can have. */
    private static final String NO_USER = TokenStore.key("");

    private final TokenStore store;
    private final String user;
    private final SessionSettings settings;

    /** Null until it is needed: the hash takes as long as all else that a call needs. */
    private @Nullable String key;

    RecordStore(TokenStore store, String user, SessionSettings settings) {
        this.store = store;
        this.user = user;
        this.settings = settings;
    }

    String key() {
        String known = key;
        if (known == null) {
            known = TokenStore.key(user);
            key = known;
        }
        return known;
    }

    TokenStore engine() {
        return store;
    }

    Mono<Entry> load() {
        return limited(() -> store.load(key()));
    }

    /**
     * Loads for a write, which needs the store's clock. A record that cannot be read, and that the write may replace,
     * counts as absent. The clock then comes from a key that no user has.
     */
    Mono<Reading> loadFor(Kind kind) {
        return read(key())
                .onErrorResume(
                        StoreFailure.class,
                        failure -> failure.getCause() instanceof UnreadableRecordException unreadable
                                        && unreadable.yieldsTo(kind)
                                ? read(NO_USER).map(read -> new Reading(null, read.now(), read.asked()))
                                : Mono.error(failure));
    }

    /** Reads again if this process was held up: a store that was held up as well read its clock long after the question. */
    private Mono<Reading> read(String from) {
        return Mono.defer(() -> {
                    Moment asked = settings.moment();
                    return limited(() -> store.load(from))
                            .filter(entry -> settings.moment().since(asked) <= LIMIT.toMillis())
                            .map(entry -> new Reading(entry.record(), entry.now(), asked));
                })
                .repeatWhenEmpty(rounds -> rounds);
    }

    /**
     * Record and clock of the store.
     *
     * @param now the store's clock at some time after the question, at most {@link #LIMIT}
     * @param asked the moment of the question: this process may be held up before it reads the response
     */
    record Reading(@Nullable Record record, Instant now, Moment asked) {}

    Mono<Acquired> acquire(Version view) {
        return limited(() -> store.acquire(key(), settings.owner(), view, settings.leaseLength()));
    }

    Mono<Acquired> extend(long attempt) {
        return limited(() -> store.extend(key(), settings.owner(), attempt, settings.leaseLength()));
    }

    Mono<Entry> put(Record record, Kind kind, long attempt) {
        return limited(() -> store.put(key(), record, kind, settings.owner(), attempt));
    }

    /** Ends a lease without a result. A failure is ignored: a lease that is not released ends by itself. */
    Mono<Void> release(long attempt, Duration pause, boolean sent) {
        return AttemptLimit.apply(
                        Mono.defer(() -> store.release(key(), settings.owner(), attempt, pause, sent)), LIMIT, settings)
                .onErrorComplete();
    }

    /** Completes when the store reports that the record or the lease may have changed; a hint that may never come. */
    Mono<Void> changed() {
        return changes().next().then();
    }

    /** Emits a hint whenever the record may have changed. A store whose hints fail is asked by the clock alone. */
    Flux<String> changes() {
        return ChangeHints.of(store, key(), settings.scheduler());
    }

    private <T> Mono<T> limited(Supplier<Mono<T>> operation) {
        return AttemptLimit.apply(Mono.defer(operation), LIMIT, settings)
                .switchIfEmpty(Mono.error(() -> new IllegalStateException("The store emitted no result")))
                .onErrorMap(StoreFailure::new);
    }

    /** An error of the store. */
    static final class StoreFailure extends RuntimeException {

        private static final long serialVersionUID = 1L;

        StoreFailure(Throwable cause) {
            super(cause);
        }

        /** Describes the failure to callers. Only the store itself knows what to do about a record that cannot be read. */
        TokenUnavailableException toCallers() {
            return describe(getCause());
        }

        static TokenUnavailableException describe(@Nullable Throwable cause) {
            String message = cause instanceof UnreadableRecordException unreadable
                    ? unreadable.getMessage()
                            + (unreadable.yieldsTo(Kind.LOGIN) ? " A new sign-in of the user replaces the record." : "")
                    : "The store of tokens failed or did not respond. Is it reachable?";
            return TokenRequests.unavailable(message, Reason.STORE_FAILED, cause);
        }
    }
}
