package io.tokenswap;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Credential that obtains the next token. Immutable and safe for use by any thread.
 *
 * <p>The secret leaves this type only through {@link #secret()}, so that each use of it can be found by its name.
 * {@link #toString()} prints the {@link #fingerprint()}.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc6749#section-1.5">RFC 6749 section 1.5</a>
 */
public final class RefreshToken {

    /** The text, or the bytes of its Latin-1 characters. */
    private final Object secret;

    private RefreshToken(Object secret) {
        this.secret = secret;
    }

    /**
     * Wraps a refresh token.
     *
     * @param secret the refresh token, not empty
     * @return the refresh token
     * @throws IllegalArgumentException if the text is empty
     */
    public static RefreshToken of(String secret) {
        if (Objects.requireNonNull(secret, "secret").isEmpty()) {
            throw new IllegalArgumentException("The refresh token is empty");
        }
        return new RefreshToken(secret);
    }

    /**
     * Returns the form in which a {@link Token} keeps a refresh token: the bytes of its Latin-1 characters, or the text if it
     * has others. A text takes a third more memory.
     */
    static Object packed(String secret) {
        for (int i = 0; i < secret.length(); i++) {
            if (secret.charAt(i) > 0xFF) {
                return secret;
            }
        }
        return secret.getBytes(StandardCharsets.ISO_8859_1);
    }

    /** Makes a view of the form in which a {@link Token} keeps a refresh token. The text is made when it is asked for. */
    static RefreshToken view(Object packed) {
        return new RefreshToken(packed);
    }

    /**
     * Returns the refresh token itself.
     *
     * @return the secret
     */
    public String secret() {
        return secret instanceof byte[] bytes ? new String(bytes, StandardCharsets.ISO_8859_1) : (String) secret;
    }

    /**
     * Names the refresh token in logs and on screens. The name is the same for the same refresh token and cannot be used to
     * obtain a token.
     *
     * @return the first eight hexadecimal digits of the secret's SHA-256
     */
    public String fingerprint() {
        return SecretText.fingerprint(secret());
    }

    /** Compares in a time that depends on the lengths only. */
    @Override
    public boolean equals(@Nullable Object other) {
        if (!(other instanceof RefreshToken that)) {
            return false;
        }
        return (secret instanceof byte[] bytes && that.secret instanceof byte[] others)
                ? MessageDigest.isEqual(bytes, others)
                : SecretText.areEqual(secret(), that.secret());
    }

    @Override
    public int hashCode() {
        return secret().hashCode();
    }

    @Override
    public String toString() {
        return "RefreshToken[" + fingerprint() + "]";
    }
}
