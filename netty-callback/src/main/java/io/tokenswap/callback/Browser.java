package io.tokenswap.callback;

import java.net.URI;
import java.util.Objects;
import java.util.function.Consumer;
import reactor.core.publisher.Mono;

/**
 * Program that opens the login for the user. An application may implement it as a lambda.
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
     * <p>Cold. Subscribed on a thread that may block, when the receiver listens. Cancelled when the login ends.
     *
     * @param authorizeUri the URI of the login. It contains the state: show it to the user, never log it
     * @return empty when the browser has accepted the URI; any error ends the login
     */
    Mono<Void> open(URI authorizeUri);

    /**
     * Returns the browser of the system. It is opened by the program of the system: {@code xdg-open}, {@code open},
     * {@code rundll32} or {@code wslview}. No shell is run. The program has 10 seconds.
     *
     * <p>Opening fails with {@link BrowserUnavailableException} if there is no display or no such program, or if the
     * program fails or does not return in time.
     *
     * @return the browser
     */
    static Browser system() {
        return SystemBrowser.create(System.getProperty("os.name", ""), System.getenv());
    }

    /**
     * Returns a browser that passes the URL to the application, which shows it to the user.
     *
     * @param show gets the URL of each login, on a thread that may block; what it throws ends the login
     * @return the browser
     */
    static Browser printing(Consumer<? super URI> show) {
        Objects.requireNonNull(show, "show");
        return authorizeUri -> Mono.fromRunnable(() -> show.accept(authorizeUri));
    }

    /**
     * Also passes the URL to the application, before this browser is tried. The user has the URL then, so that a
     * browser that cannot be opened does not end the login.
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
     * Tries another browser if this one fails.
     *
     * @param fallback the browser to try then
     * @return a browser that fails only if both do
     */
    default Browser orElse(Browser fallback) {
        Objects.requireNonNull(fallback, "fallback");
        return authorizeUri -> open(authorizeUri)
                .onErrorResume(error -> fallback.open(authorizeUri).doOnError(second -> second.addSuppressed(error)));
    }
}
