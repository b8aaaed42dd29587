package io.tokenswap.samples.exchange;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Data of a login that the callback needs. The provider carries it, sealed, as the {@code state} of its hop.
 *
 * @param returnUri the address at which the application waits, taken from the list
 * @param state the application's own state, a secret, returned byte for byte
 * @param browser the content of the cookie in the browser that started the login, a secret
 * @param challenge the application's S256 challenge, or null if it sent none
 */
record PendingLogin(
        String returnUri,
        String state,
        String browser,
        @Nullable String challenge) implements Seals.Content {

    static final Duration LIFE = Duration.ofMinutes(10);

    static PendingLogin open(Seals seals, String sealed) {
        return seals.open(Seals.Purpose.LOGIN, sealed, LIFE, PendingLogin::read);
    }

    String seal(Seals seals) {
        return seals.seal(Seals.Purpose.LOGIN, this);
    }

    boolean isOf(String cookie) {
        return MessageDigest.isEqual(browser.getBytes(StandardCharsets.UTF_8), cookie.getBytes(StandardCharsets.UTF_8));
    }

    @Override
    public void writeTo(DataOutputStream out) throws IOException {
        out.writeUTF(returnUri);
        out.writeUTF(state);
        out.writeUTF(browser);
        out.writeUTF(challenge == null ? "" : challenge);
    }

    private static PendingLogin read(DataInputStream in) throws IOException {
        String returnUri = in.readUTF();
        String state = in.readUTF();
        String browser = in.readUTF();
        String challenge = in.readUTF();
        return new PendingLogin(returnUri, state, browser, challenge.isEmpty() ? null : challenge);
    }

    @Override
    public String toString() {
        return "PendingLogin[returnUri=" + returnUri + "]";
    }
}
