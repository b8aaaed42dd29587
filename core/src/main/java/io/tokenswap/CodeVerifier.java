package io.tokenswap;

import io.tokenswap.internal.RandomBytes;
import io.tokenswap.internal.Sha256;
import java.util.Base64;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * PKCE secret of one login. It proves that the program that swaps the code is the program that started the login.
 * Create a new verifier for each login. Immutable and safe for use by any thread; {@link #toString()} prints no part of
 * the secret.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc7636#section-4">RFC 7636 section 4</a>
 */
public final class CodeVerifier {

    private static final Base64.Encoder BASE64URL = Base64.getUrlEncoder().withoutPadding();

    private final String value;

    private CodeVerifier(String value) {
        this.value = value;
    }

    /**
     * Creates a verifier of 256 random bits. Never blocks.
     *
     * @return a new verifier of 43 characters
     */
    public static CodeVerifier create() {
        return new CodeVerifier(RandomBytes.base64Url(32));
    }

    /**
     * Wraps a verifier that was created elsewhere.
     *
     * @param value 43 to 128 unreserved characters
     * @return the verifier
     * @throws IllegalArgumentException if the value has another form
     */
    public static CodeVerifier of(String value) {
        if (!value.matches("[A-Za-z0-9._~-]{43,128}")) {
            throw new IllegalArgumentException("A code verifier has 43 to 128 characters out of A-Z a-z 0-9 - . _ ~");
        }
        return new CodeVerifier(value);
    }

    /**
     * Returns the verifier itself, which the token request carries.
     *
     * @return the secret
     */
    public String secret() {
        return value;
    }

    /**
     * Returns the code challenge that the authorization request carries, by method {@code S256}.
     *
     * @return the base64url form of the verifier's SHA-256, 43 characters
     */
    public String challenge() {
        return BASE64URL.encodeToString(Sha256.of(value));
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof CodeVerifier that && SecretText.areEqual(value, that.value);
    }

    @Override
    public int hashCode() {
        return Objects.hashCode(value);
    }

    @Override
    public String toString() {
        return "CodeVerifier[redacted]";
    }
}
