package io.tokenswap.samples.exchange;

import io.tokenswap.KeyRing;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.time.InstantSource;
import org.jspecify.annotations.Nullable;

/**
 * Seals the codes and refresh tokens of this server, for one application at the provider. A seal made for one purpose or for
 * another application does not open. Safe for use by any thread; {@link #replaceKeys} puts a new ring in place while
 * requests run.
 *
 * <p>There is no bound on the number of seals under one key: {@link KeyRing} derives a key for each message from 256 random
 * bits, so that no two messages share a key and a nonce.
 */
final class Seals {

    /** The use of a seal. */
    enum Purpose {
        LOGIN,
        CODE,
        REFRESH_TOKEN,
        SHARED_RESULT
    }

    private final String application;
    private final InstantSource clock;
    private final boolean lasting;
    private volatile KeyRing keys;

    /**
     * @param application the client id at the provider
     * @param keys the configured keys, or null for a ring that ends with the process
     */
    Seals(String application, @Nullable KeyRing keys, InstantSource clock) {
        this.application = application;
        this.clock = clock;
        this.lasting = keys != null;
        this.keys = (keys == null ? KeyRing.random() : keys).withClock(clock);
    }

    /**
     * Returns true if a seal outlives this process. Only then are refresh tokens sealed. Otherwise a restart would sign all
     * users out.
     */
    boolean areLasting() {
        return lasting;
    }

    void replaceKeys(KeyRing fresh) {
        keys = fresh.withClock(clock);
    }

    KeyRing keys() {
        return keys;
    }

    String seal(Purpose purpose, Content content) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (DataOutputStream out = new DataOutputStream(bytes)) {
            content.writeTo(out);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return keys.seal(purpose.name(), application, bytes.toByteArray());
    }

    /**
     * Opens a seal.
     *
     * @param life the life of the seal, exclusive, or null for one without an end
     * @throws KeyRing.OpenException if it does not open
     * @throws UncheckedIOException if its content is that of another version of this server
     */
    <T> T open(Purpose purpose, String sealed, @Nullable Duration life, Reader<T> reader) {
        byte[] content =
                keys.open(purpose.name(), application, sealed, life == null ? null : life.minus(Duration.ofMillis(1)));
        try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(content))) {
            return reader.read(in);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Returns true if a seal that was opened here should be replaced, because its key is about to retire. */
    boolean isOld(String sealed) {
        return !keys.usesPrimaryKey(sealed);
    }

    /** The response to a seal by a key that this node has not learnt of yet. Another node, or this one later, opens it. */
    static ErrorResponse unknownYet() {
        return new ErrorResponse(
                503,
                "temporarily_unavailable",
                "This node does not know the newest key yet",
                ErrorResponse.retryAfter(Duration.ofSeconds(5)),
                ErrorResponse.Processed.NO);
    }

    /** The response to a lasting seal that is ahead of this clock: the clock is wrong, and the login is not over. */
    static ErrorResponse fromTheFuture() {
        return new ErrorResponse(
                503,
                "temporarily_unavailable",
                "The clock of this server is behind, or was ahead before",
                ErrorResponse.retryAfter(Duration.ofMinutes(1)),
                ErrorResponse.Processed.NO);
    }

    /** Writes the content of a seal. */
    interface Content {
        void writeTo(DataOutputStream out) throws IOException;
    }

    /** Reads the content of a seal. */
    interface Reader<T> {
        T read(DataInputStream in) throws IOException;
    }
}
