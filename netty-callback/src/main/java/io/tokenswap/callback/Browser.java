package io.tokenswap.callback;

import java.net.URI;
import java.util.Objects;
import java.util.function.Consumer;
import reactor.core.publisher.Mono;

/**
 * Shows a person the login. A lambda will do for a program that has a way of its own.
 *
 * <pre>{@code
 * Browser browser = Browser.system().orElse(Browser.printing(uri -> System.out.println("Open " + uri)));
 * }</pre>
 *
 * <p>Implementations are safe for use by any thread.
 */
@FunctionalInterface
public interface Browser {

    /**
     * Opens the login.
     *
     * <p>Cold. Subscribed on a thread that may block, once the receiver listens. Cancelled as soon as the login is over.
     *
     * @param authorizeUri the login. It holds the state: show it to the user, never log it
     * @return empty when the browser has taken the URI; any error ends the login
     */
    Mono<Void> open(URI authorizeUri);

    /**
     * The browser of the system, through the program that the system has for that: {@code xdg-open}, {@code open},
     * {@code rundll32}, {@code wslview}. Runs no shell, and gives that program 10 seconds.
     *
     * <p>Opening fails with {@link BrowserUnavailableException} when there is no display or no such program, or when it fails
     * or hangs.
     *
     * @return the browser
     */
    static Browser system() {
        return SystemBrowser.create(System.getProperty("os.name", ""), System.getenv());
    }

    /**
     * Hands the URL to the application, for it to show to the user.
     *
     * @param show gets the URL of each login
     * @return the browser
     */
    static Browser printing(Consumer<? super URI> show) {
        Objects.requireNonNull(show, "show");
        return authorizeUri -> Mono.fromRunnable(() -> show.accept(authorizeUri));
    }

    /**
     * Hands the URL to the application as well, before this browser is tried. The user has it then, whatever becomes of the
     * browser, so a browser that cannot be opened no longer ends the login.
     *
     * <pre>{@code
     * Browser browser = Browser.system().alsoShowing(uri -> System.out.println("If no browser opens, go to " + uri));
     * }</pre>
     *
     * @param show gets the URL of each login
     * @return a browser that fails only if {@code show} does
     */
    default Browser alsoShowing(Consumer<? super URI> show) {
        Browser shown = printing(show);
        return authorizeUri -> shown.open(authorizeUri)
                .then(Mono.defer(() -> open(authorizeUri)).onErrorComplete());
    }

    /**
     * Tries another browser where this one fails.
     *
     * @param fallback the browser for that case
     * @return a browser that fails only where both do
     */
    default Browser orElse(Browser fallback) {
        Objects.requireNonNull(fallback, "fallback");
        return authorizeUri -> open(authorizeUri)
                .onErrorResume(error -> fallback.open(authorizeUri).doOnError(second -> second.addSuppressed(error)));
    }
}
