package io.tokenswap.callback;

import io.tokenswap.AuthorizationFailedException;

/**
 * Who goes to the host of the redirect URI does not get to this program: {@code localhost} leads to an address that is not this
 * machine's loopback, or the machine lacks the address. No browser was opened: the code would have gone to somebody else.
 *
 * <p>Remedy: give the receiver a redirect URI with the host {@code 127.0.0.1} or {@code [::1]}, or mend the machine's hosts file.
 */
public final class RedirectHostException extends AuthorizationFailedException {

    private static final long serialVersionUID = 1L;

    private final String host;

    RedirectHostException(String host, String reason) {
        super(
                "The redirect to " + host + " would not arrive: " + reason
                        + ". Use another loopback address for the redirect URI.",
                null,
                null);
        this.host = host;
    }

    /**
     * The host that cannot be used.
     *
     * @return the host of the redirect URI
     */
    public String host() {
        return host;
    }
}
