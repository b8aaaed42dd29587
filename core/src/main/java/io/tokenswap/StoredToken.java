package io.tokenswap;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;

/**
 * A session's place in a {@link TokenStore}: what was last seen there, and how a refresh goes about it.
 *
 * <p>A refresh runs in the key's exclusive section and begins by looking: a token that somebody else has put there replaces
 * ours without a request, and an empty place means that the user was signed out. Its result replaces exactly what it has seen,
 * before anyone else sees it: the token of a new login that was put there meanwhile stays.
 *
 * <p>Only if the store fails does memory go ahead of it. What could not be saved is remembered with what it replaces, and
 * {@link #saveUnsaved} tries again.
 */
final class StoredToken {

    /** How long the store may take for one thing before memory goes on without it. */
    private static final Duration STORE_LIMIT = Duration.ofSeconds(10);

    /** How long to wait for one's turn. */
    private static final Duration TURN_LIMIT = Duration.ofMinutes(1);

    private final TokenStore store;
    private final String key;
    private final Scheduler scheduler;

    /** What this session last put there or found there. */
    private volatile Token seen;

    private volatile @Nullable Unsaved unsaved;

    private final AtomicBoolean saving = new AtomicBoolean();

    StoredToken(TokenStore store, String key, Scheduler scheduler, Token token) {
        this.store = store;
        this.key = key;
        this.scheduler = scheduler;
        this.seen = token;
    }

    /**
     * The successor of a token, saved.
     *
     * @param current the session's token
     * @param isFresh whether a token that somebody else has stored may be used as it is
     * @param endpoint refreshes
     * @param onStoreFailure told when the store fails and memory goes ahead
     */
    Mono<Token> refresh(
            Token current,
            Predicate<Token> isFresh,
            Function<Token, Mono<Token>> endpoint,
            Consumer<Throwable> onStoreFailure) {
        return exclusive(look(current, onStoreFailure).flatMap(token -> {
            Token replaced = seen;
            boolean foreign = !token.equals(current);
            return foreign && isFresh.test(token)
                    ? Mono.just(token)
                    : endpoint.apply(token)
                            .map(next -> next.succeeding(token))
                            .flatMap(next -> save(replaced, next, onStoreFailure))
                            .onErrorResume(StoredToken::isDeadGrant, dead -> forget(token, dead));
        }));
    }

    /** Runs alone. Waiting for the turn has a limit, what runs in it has limits of its own: no one cuts off the save. */
    private <T> Mono<T> exclusive(Mono<T> section) {
        return Mono.defer(() -> {
            AtomicBoolean entered = new AtomicBoolean();
            Mono<Long> tooLate = Mono.delay(TURN_LIMIT, scheduler)
                    .filter(tick -> !entered.get())
                    .switchIfEmpty(Mono.never());
            return store.exclusive(key, Mono.defer(() -> {
                        entered.set(true);
                        return section;
                    }))
                    .timeout(tooLate);
        });
    }

    /** Saves the token of a new login, whatever is there. */
    Mono<Token> replace(Token token) {
        return limited(store.save(key, null, token)).then(Mono.fromSupplier(() -> {
            seen = token;
            unsaved = null;
            return token;
        }));
    }

    /** Whether memory is ahead of the store and nobody is about to change that: the caller is now. */
    boolean beginSaving() {
        return unsaved != null && saving.compareAndSet(false, true);
    }

    void endSaving() {
        saving.set(false);
    }

    /** Saves what could not be saved before, if that is still the latest, and never beside a refresh; an error is the store's. */
    Mono<Void> saveUnsaved() {
        return exclusive(Mono.defer(() -> {
            Unsaved pending = unsaved;
            return pending == null
                    ? Mono.empty()
                    : limited(store.save(key, pending.replaced, pending.token))
                            .doOnNext(saved -> settle(pending, saved))
                            .then();
        }));
    }

    private <T> Mono<T> limited(Mono<T> operation) {
        return operation.timeout(STORE_LIMIT, scheduler);
    }

    @SuppressWarnings("ReferenceEquality") // the very one that was tried
    private void settle(Unsaved pending, boolean saved) {
        if (unsaved == pending) {
            unsaved = null;
            if (saved) {
                seen = pending.token;
            }
        }
    }

    /** The token to refresh: ours, or the one that somebody else has stored since. */
    private Mono<Token> look(Token current, Consumer<Throwable> onStoreFailure) {
        return limited(store.load(key))
                .map(stored -> {
                    if (stored.equals(seen)) {
                        return current;
                    }
                    seen = stored;
                    unsaved = null;
                    return stored;
                })
                .switchIfEmpty(
                        Mono.error(() -> new LoginRequiredException("The token was removed. Sign in again.", null)))
                .onErrorResume(StoredToken::isTheStores, error -> {
                    onStoreFailure.accept(error);
                    return Mono.just(current);
                });
    }

    private Mono<Token> save(Token replaced, Token next, Consumer<Throwable> onStoreFailure) {
        return limited(store.save(key, replaced, next))
                .flatMap(saved -> {
                    if (!saved) {
                        // Somebody signed out or in meanwhile: that wins over a refresh of what was there before.
                        return look(next, onStoreFailure);
                    }
                    seen = next;
                    unsaved = null;
                    return Mono.just(next);
                })
                .onErrorResume(StoredToken::isTheStores, error -> {
                    unsaved = new Unsaved(replaced, next);
                    onStoreFailure.accept(error);
                    return Mono.just(next);
                });
    }

    /** Removes a token whose grant is dead, unless another lineage has taken its place meanwhile. */
    private Mono<Token> forget(Token dead, Throwable error) {
        return limited(store.clear(key, dead)).onErrorComplete().then(Mono.error(error));
    }

    private static boolean isTheStores(Throwable error) {
        return !(error instanceof TokenSwapException);
    }

    private static boolean isDeadGrant(Throwable error) {
        return error instanceof OAuthErrorException answer && answer.requiresLogin();
    }

    /** A token that memory has and the store has not, and the one that it replaces there. */
    private record Unsaved(Token replaced, Token token) {}
}
