package io.tokenswap;

/**
 * What {@link AuthorizationRequest#validate(String)} makes of a request that hit the redirect URI. Only {@link Granted} and
 * {@link Failed} end a login; anybody can send the rest.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2">RFC 6749 section 4.1.2</a>
 */
public sealed interface AuthorizationResponse {

    /**
     * The user consented.
     *
     * @param code the code to swap
     */
    record Granted(AuthorizationCode code) implements AuthorizationResponse {}

    /**
     * The login is over, and there is no code.
     *
     * @param error why, with the remedy
     */
    record Failed(AuthorizationFailedException error) implements AuthorizationResponse {}

    /**
     * This was not the answer to this request: answer it with a 400 and keep waiting.
     *
     * @param reason what is wrong with it, in fixed words that hold nothing of what was sent
     */
    record Ignored(String reason) implements AuthorizationResponse {}
}
