package io.tokenswap;

/**
 * Outcome of {@link AuthorizationRequest#validate(String)}. {@link Granted} and {@link Failed} end the login. An
 * {@link Ignored} request does not: any program can send one.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2">RFC 6749 section 4.1.2</a>
 */
public sealed interface AuthorizationResponse {

    /**
     * Returns the code, for a program that treats everything else as an error.
     *
     * @return the code of a {@link Granted} response
     * @throws AuthorizationFailedException the error of a {@link Failed} response, or another error for an
     *     {@link Ignored} one. After an ignored response the login continues, and the real response may still arrive
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
     * The request is no response to this login. Respond with status 400 and keep waiting.
     *
     * @param reason the reason, in fixed words that repeat nothing of the request
     */
    record Ignored(String reason) implements AuthorizationResponse {}
}
