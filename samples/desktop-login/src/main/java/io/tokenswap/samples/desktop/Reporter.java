package io.tokenswap.samples.desktop;

import io.tokenswap.Token;
import io.tokenswap.session.SessionEvent;
import java.io.PrintWriter;
import java.net.URI;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * Shows what happens: to a person on a {@link Screen}, or to a program in {@link JsonLines}. Never shows a token. Where nobody
 * reads any more, all but the end fails with {@link ClosedOutputException}.
 */
interface Reporter extends AutoCloseable {

    /** Something that a person should know. */
    void note(String text);

    /** The login to open in a browser. */
    void authorize(URI uri);

    /**
     * The current token.
     *
     * @param refresh how many refreshes it took
     * @param refreshAt when the next one is due at the latest, or null when none is scheduled
     */
    void token(Token token, long refresh, @Nullable Instant refreshAt);

    /** Something that happened to the session. */
    void event(SessionEvent event);

    /** What the API said of the user. */
    void me(int status, String body);

    /** The end, with one line that says what to do. */
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
