package io.tokenswap.session;

import io.tokenswap.Token;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * Where tokens outlive a session. An implementation never blocks, and is safe for use by any thread; one that is shared
 * between processes is as safe between these.
 *
 * <p>Tokens form lineages: a refresh consumes a refresh token and yields its successor. {@link #save} replaces only the token
 * that was consumed, so that a late writer can neither overwrite a newer lineage nor bring back a token that was cleared.
 */
public interface LegacyTokenStore {

    /**
     * The token that is stored under a key.
     *
     * @param key the key
     * @return the token, or empty
     */
    Mono<Token> load(String key);

    /**
     * Replaces a token by its successor, if the stored one is still of the lineage that was consumed: if it has the same
     * refresh token as {@code consumed}. When the mono completes, the token is as durable as this store makes it.
     *
     * @param key the key
     * @param consumed the token that was refreshed, or null to store the first of a new login whatever is there
     * @param next its successor
     * @return true if it was saved, false if another lineage is stored, or none any more
     */
    Mono<Boolean> save(String key, @Nullable Token consumed, Token next);

    /**
     * Forgets the token that is stored under a key: signs the user out.
     *
     * @param key the key
     * @return empty, also when there was none
     */
    Mono<Void> clear(String key);

    /**
     * Forgets a token whose grant is dead, if the stored one is still of its lineage: if it has the same refresh token.
     *
     * @param key the key
     * @param dead the token whose refresh token was refused
     * @return true if it was removed, false if another lineage is stored, or none any more
     */
    Mono<Boolean> clear(String key, Token dead);

    /**
     * Runs a refresh while nobody else, in this process or another that shares the store, runs one for the same key. The next
     * one starts when this one terminates or is cancelled.
     *
     * @param key the key
     * @param section what to run alone
     * @param <T> what it yields
     * @return the outcome of the section
     */
    <T> Mono<T> exclusive(String key, Mono<T> section);

    /**
     * A store that lives and dies with this process.
     *
     * @return a new, empty store
     */
    static LegacyTokenStore inMemory() {
        return new LegacyInMemoryTokenStore();
    }
}
