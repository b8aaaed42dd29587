package io.tokenswap.callback;

import io.tokenswap.AuthorizationFailedException;

/**
 * The host of the redirect URI does not lead to this program: {@code localhost} resolves to an address of another
 * machine, or this machine does not have the address. No browser was opened, because the code would have gone
 * elsewhere.
 *
 * <p>Remedy: give the receiver a redirect URI with the host {@code 127.0.0.1} or {@code [::1]}, or correct the hosts
 * file.
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
     * Returns the host that cannot be used.
     *
     * @return the host of the redirect URI
     */
    public String host() {
        return host;
    }
}
