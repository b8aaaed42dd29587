package io.tokenswap.samples.desktop;

import io.tokenswap.Token;
import io.tokenswap.session.SessionEvent;
import java.io.PrintWriter;
import java.net.URI;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * Output of the program: for a person on a {@link Screen}, or for another program in {@link JsonLines}. It never shows a
 * token. When the reader has closed the output, every method but {@code close} fails with {@link ClosedOutputException}.
 */
interface Reporter extends AutoCloseable {

    /** Shows a note for the person. */
    void note(String text);

    /**
     * Shows the login.
     *
     * @param person true if a person opens it, false if the program does
     */
    void authorize(URI uri, boolean person);

    /**
     * Shows the current token.
     *
     * @param refresh the number of refreshes so far
     * @param refreshAt the latest time of the next refresh, or null if none is scheduled
     */
    void token(Token token, long refresh, @Nullable Instant refreshAt);

    /** Shows an event of the session. */
    void event(SessionEvent event);

    /** Shows the response of the API. */
    void me(int status, String body);

    /** Shows the failure that ends the program, in one line with the remedy. */
    void error(String kind, String message);

    @Override
    void close();

    /** Flushes, and fails where that does. */
    static void requireReader(PrintWriter out) {
        if (out.checkError()) {
            throw new ClosedOutputException();
        }
    }
}
