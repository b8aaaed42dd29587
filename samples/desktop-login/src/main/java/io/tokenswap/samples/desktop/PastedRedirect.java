package io.tokenswap.samples.desktop;

import io.tokenswap.RedirectParameters;
import java.net.URI;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;

/**
 * Reports a pasted line that is not the address of this login, because the library ignores it without a message. The library
 * itself decides which line ends the login.
 */
final class PastedRedirect {

    private final Flux<String> lines;
    private final Reporter reporter;
    private volatile @Nullable String state;

    PastedRedirect(Flux<String> lines, Reporter reporter) {
        this.lines = lines;
        this.reporter = reporter;
    }

    /** Sets the login that waits from now on. */
    void expect(URI authorizeUri) {
        state = state(authorizeUri.toString());
    }

    /** Returns every pasted line, for the receiver to check. */
    Flux<String> lines() {
        return lines.doOnNext(line -> {
            if (!line.isEmpty() && !state(line).equals(state)) {
                reporter.note(
                        "That is not the address of this sign-in. Paste the whole address at which the browser ended.");
            }
        });
    }

    private static String state(String text) {
        String state = RedirectParameters.parsePasted(text).state();
        return state == null ? "" : state;
    }
}
