package io.tokenswap;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Credential that calls to the API carry. Immutable and safe for use by any thread.
 *
 * <p>The secret leaves this type only through {@link #secret()}, so that each use of it can be found by its name.
 * {@link #toString()} prints the {@link #fingerprint()}.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc6749#section-1.4">RFC 6749 section 1.4</a>
 */
public final class AccessToken {

    private final String secret;

    private AccessToken(String secret) {
        this.secret = secret;
    }

    /**
     * Wraps an access token.
     *
     * @param secret the access token: one or more visible ASCII characters, all that an {@code Authorization} header can carry
     * @return the access token
     * @throws IllegalArgumentException if the text is empty or has another character; the message does not show the text
     */
    public static AccessToken of(String secret) {
        return new AccessToken(checked(secret));
    }

    static String checked(String secret) {
        Objects.requireNonNull(secret, "secret");
        if (secret.isEmpty()) {
            throw new IllegalArgumentException("The access token is empty");
        }
        for (int i = 0; i < secret.length(); i++) {
            char c = secret.charAt(i);
            if (c < 0x21 || c > 0x7E) {
                throw new IllegalArgumentException("The access token has a character at index " + i
                        + " that no Authorization header can carry: it must consist of visible ASCII characters");
            }
        }
        return secret;
    }

    /** Makes a view of a text that a {@link Token} has checked. */
    static AccessToken view(String checked) {
        return new AccessToken(checked);
    }

    /**
     * Returns the access token itself.
     *
     * @return the secret
     */
    public String secret() {
        return secret;
    }

    /**
     * Names the access token in logs and on screens. The name is the same for the same access token and cannot be used to call
     * an API.
     *
     * @return the first eight hexadecimal digits of the secret's SHA-256
     */
    public String fingerprint() {
        return SecretText.fingerprint(secret);
    }

    /** Compares in a time that depends on the lengths only. */
    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof AccessToken that && SecretText.areEqual(secret, that.secret);
    }

    @Override
    public int hashCode() {
        return secret.hashCode();
    }

    @Override
    public String toString() {
        return "AccessToken[" + fingerprint() + "]";
    }
}
