package io.tokenswap.samples.exchange;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * What the callback must know about a login. The provider carries it, sealed, as the {@code state} of its own hop.
 *
 * @param expiresAt the first instant at which the callback refuses it
 * @param returnUri where the application waits, taken from the list
 * @param state the application's own state, a secret, returned byte for byte
 * @param browser what the cookie of the browser that started it holds, a secret
 */
record PendingLogin(Instant expiresAt, String returnUri, String state, String browser) {

    private static final String PURPOSE = "login";

    String seal(Seal seal) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (DataOutputStream out = new DataOutputStream(bytes)) {
            out.writeLong(expiresAt.toEpochMilli());
            out.writeUTF(returnUri);
            out.writeUTF(state);
            out.writeUTF(browser);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return seal.seal(PURPOSE, bytes.toByteArray());
    }

    /** The login that a sealed state stands for, or null if it was not sealed here. */
    static @Nullable PendingLogin open(Seal seal, String sealed) {
        byte[] plain = seal.open(PURPOSE, sealed);
        if (plain == null) {
            return null;
        }
        try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(plain))) {
            return new PendingLogin(Instant.ofEpochMilli(in.readLong()), in.readUTF(), in.readUTF(), in.readUTF());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    boolean isOf(String cookie) {
        return MessageDigest.isEqual(browser.getBytes(StandardCharsets.UTF_8), cookie.getBytes(StandardCharsets.UTF_8));
    }

    @Override
    public String toString() {
        return "PendingLogin[expiresAt=" + expiresAt + ", returnUri=" + returnUri + "]";
    }
}
