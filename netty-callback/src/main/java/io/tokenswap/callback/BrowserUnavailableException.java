package io.tokenswap.callback;

import io.tokenswap.AuthorizationFailedException;
import org.jspecify.annotations.Nullable;

/**
 * No browser could be opened on this machine.
 *
 * <p>Remedy: show the user the URL, with {@link Browser#orElse(Browser)}.
 */
public final class BrowserUnavailableException extends AuthorizationFailedException {

    private static final long serialVersionUID = 1L;

    BrowserUnavailableException(String reason, @Nullable Throwable cause) {
        super("No browser could be opened: " + reason + ". Show the login URL to the user instead.", null, cause);
    }
}
