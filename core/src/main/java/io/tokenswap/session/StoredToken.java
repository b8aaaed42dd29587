package io.tokenswap.session;

import io.tokenswap.LoginRequiredException;
import io.tokenswap.OAuthErrorException;
import io.tokenswap.Token;
import io.tokenswap.TokenSwapException;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;

/**
 * A session's place in a {@link LegacyTokenStore}: what was last seen there, and how a refresh goes about it.
 *
 * <p>A refresh runs in the key's exclusive section and begins by looking: a token that somebody else has put there replaces
 * ours without a request, and an empty place means that the user was signed out. Its result replaces exactly what it has seen,
 * before anyone else sees it: the token of a new login that was put there meanwhile stays.
 *
 * <p>Only if the store fails does memory go ahead of it. What could not be saved is remembered with what it replaces, and
 * {@link #saveUnsaved} tries again. However a store fails (with an error, by throwing, with no answer, late or never), no token
 * that was obtained is lost by it.
 */
final class StoredToken {

    /** How long the store may take for one thing before memory goes on without it. */
    private static final Duration STORE_LIMIT = Duration.ofSeconds(10);

    /** How long to wait for one's turn. */
    private static final Duration TURN_LIMIT = Duration.ofMinutes(1);

    /** How long it may take with the waiting: longer than everything that has a limit of its own takes together. */
    private static final Duration SECTION_LIMIT = Duration.ofMinutes(3);

    private final LegacyTokenStore store;
    private final String key;
    private final Scheduler scheduler;

    /** What this session last put there or found there. */
    private volatile Token seen;

    private volatile @Nullable Unsaved unsaved;

    private final AtomicBoolean saving = new AtomicBoolean();

    StoredToken(LegacyTokenStore store, String key, Scheduler scheduler, Token token) {
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
            boolean foreign = !token.accessToken().equals(current.accessToken());
            if (foreign && isFresh.test(token)) {
                return Mono.just(token);
            }
            if (token.refreshToken() == null) {
                return Mono.error(new LoginRequiredException("There is no refresh token. Sign in again.", null));
            }
            Token replaced = isAheadByALogin() ? null : seen;
            return endpoint.apply(token)
                    .map(next -> TokenSuccession.successor(next, token))
                    .flatMap(next -> save(replaced, token, next, onStoreFailure))
                    .onErrorResume(StoredToken::isDeadGrant, this::forget);
        }));
    }

    /** Runs alone. Waiting for the turn has a limit, what runs in it has limits of its own: no one cuts off the save. */
    private <T> Mono<T> exclusive(Mono<T> section) {
        return Mono.defer(() -> {
            AtomicBoolean begun = new AtomicBoolean();
            Mono<Long> tooLate = Mono.delay(TURN_LIMIT, scheduler)
                    .flatMap(tick -> begun.compareAndSet(false, true)
                            ? Mono.just(tick)
                            : Mono.delay(SECTION_LIMIT.minus(TURN_LIMIT), scheduler));
            Mono<T> inTime = Mono.defer(() -> begun.compareAndSet(false, true) ? section : Mono.never());
            return store.exclusive(key, inTime).timeout(tooLate);
        });
    }

    /** Saves the token of a new login, whatever is there. */
    Mono<Token> replace(Token token) {
        return write(null, token).then(Mono.fromSupplier(() -> {
            seen = token;
            unsaved = null;
            return token;
        }));
    }

    /** The same for a token that nobody else has: memory goes ahead if the store fails. */
    Mono<Token> replaceOrKeep(Token token, Consumer<Throwable> onStoreFailure) {
        return replace(token).onErrorResume(error -> {
            onStoreFailure.accept(error);
            unsaved = new Unsaved(null, token);
            return Mono.just(token);
        });
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
                    : write(pending.replaced, pending.token)
                            .doOnNext(saved -> settle(pending, saved))
                            .then();
        }));
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
        return limited(() -> store.load(key))
                .map(stored -> {
                    if (stored.equals(seen)) {
                        return unsaved == null ? stored : current;
                    }
                    seen = stored;
                    unsaved = null;
                    return stored;
                })
                .switchIfEmpty(Mono.defer(() -> isAheadByALogin()
                        ? Mono.just(current)
                        : Mono.error(new LoginRequiredException("The token was removed. Sign in again.", null))))
                .onErrorResume(StoredToken::isTheStores, error -> {
                    onStoreFailure.accept(error);
                    return Mono.just(current);
                });
    }

    /** Whether the store has not taken the token of a new login yet, which replaces whatever is there. */
    private boolean isAheadByALogin() {
        Unsaved pending = unsaved;
        return pending != null && pending.replaced == null;
    }

    private Mono<Token> save(@Nullable Token replaced, Token consumed, Token next, Consumer<Throwable> onStoreFailure) {
        return write(replaced, next)
                // What was given up for lost may have been saved late: then the one that was consumed is there.
                .flatMap(saved -> saved || consumed.equals(replaced) ? Mono.just(saved) : write(consumed, next))
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

    /** Removes what is there of a grant that is dead, unless another lineage has taken its place meanwhile. */
    private Mono<Token> forget(Throwable dead) {
        unsaved = null;
        return limited(() -> store.clear(key, seen)).onErrorComplete().then(Mono.error(dead));
    }

    private Mono<Boolean> write(@Nullable Token consumed, Token next) {
        return limited(() -> store.save(key, consumed, next))
                .switchIfEmpty(Mono.error(() -> new IllegalStateException("The store did not say whether it saved")));
    }

    /** One thing that the store does: its exceptions are errors like others, and it does not take for ever. */
    private <T> Mono<T> limited(Supplier<Mono<T>> operation) {
        return Mono.defer(operation).timeout(STORE_LIMIT, scheduler);
    }

    private static boolean isTheStores(Throwable error) {
        return !(error instanceof TokenSwapException);
    }

    private static boolean isDeadGrant(Throwable error) {
        return error instanceof OAuthErrorException answer && answer.requiresLogin();
    }

    /** A token that memory has and the store has not, and the one that it replaces there: null for whatever is there. */
    private record Unsaved(@Nullable Token replaced, Token token) {}
}
