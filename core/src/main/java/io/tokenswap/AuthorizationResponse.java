package io.tokenswap;

/**
 * The outcome of {@link AuthorizationRequest#validate(String)}. {@link Granted} and {@link Failed} end the login. Anybody can send
 * what is {@link Ignored}.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2">RFC 6749 section 4.1.2</a>
 */
public sealed interface AuthorizationResponse {

    /**
     * Returns the code, for a program that treats everything else as an error.
     *
     * @return the code of a {@link Granted} response
     * @throws AuthorizationFailedException the error of a {@link Failed} response, or an error of its own for an {@link Ignored} one:
     *     the login is then not over, and its real response may still arrive
     */
    default AuthorizationCode orElseThrow() {
        if (this instanceof Granted granted) {
            return granted.code();
        }
        throw this instanceof Failed failed
                ? failed.error()
                : new AuthorizationFailedException(
                        "This is not a response to this login. Start the sign-in again.", null, null);
    }

    /**
     * The user consented.
     *
     * @param code the code to swap
     */
    record Granted(AuthorizationCode code) implements AuthorizationResponse {}

    /**
     * The login has ended without a code.
     *
     * @param error the cause and the remedy
     */
    record Failed(AuthorizationFailedException error) implements AuthorizationResponse {}

    /**
     * The request is not a response to this login: answer it with status 400 and keep waiting.
     *
     * @param reason the reason, in fixed words that repeat nothing of the request
     */
    record Ignored(String reason) implements AuthorizationResponse {}
}
