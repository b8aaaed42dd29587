package io.tokenswap.samples.desktop;

import io.tokenswap.Token;
import io.tokenswap.session.SessionEvent;
import java.io.PrintWriter;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Help.Ansi;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Flux;
import reactor.core.scheduler.Schedulers;

/** Lines for a person, and on a live terminal a last line that counts down to the next refresh. */
final class Screen implements Reporter {

    private static final DateTimeFormatter TIME =
            DateTimeFormatter.ofPattern("HH:mm:ss").withZone(ZoneId.systemDefault());
    private static final String CLEAR_LINE = "\r\u001B[2K";

    private final PrintWriter out;
    private final PrintWriter err;
    private final InstantSource clock;
    private final boolean live;
    private final Ansi ansi;
    private final Disposable.Swap countdown = Disposables.swap();

    /**
     * Creates a screen.
     *
     * @param live true if {@code out} is a terminal, on which a line can be overwritten
     * @param colour true to use colours
     */
    Screen(PrintWriter out, PrintWriter err, InstantSource clock, boolean live, boolean colour) {
        this.out = out;
        this.err = err;
        this.clock = clock;
        this.live = live;
        this.ansi = colour ? Ansi.ON : Ansi.OFF;
    }

    @Override
    public void note(String text) {
        line(text);
    }

    @Override
    public void authorize(URI uri, boolean person) {
        line(person ? "Sign in at" : "The program signs in at");
        line("  " + uri);
    }

    @Override
    public void token(Token token, long refresh, @Nullable Instant refreshAt) {
        String number = refresh == 0 ? "signed in  " : "refresh " + refresh + "  ";
        line(styled("@|green " + number + "|@") + styled("@|bold " + token.fingerprint() + "|@") + "  "
                + (token.scopes().isEmpty() ? "no scopes" : plain(String.join(" ", token.scopes()))) + "  "
                + (token.expiresAt() == null ? "unknown lifetime" : "expires " + TIME.format(token.expiresAt())));
        countDown("next refresh", refreshAt);
    }

    @Override
    public void event(SessionEvent event) {
        if (event instanceof SessionEvent.RefreshFailed failed) {
            line(styled("@|yellow refresh failed|@") + "  " + failed.error().getMessage() + " Next attempt at "
                    + TIME.format(failed.retryAt()) + ".");
            countDown("next attempt", failed.retryAt());
        } else if (event instanceof SessionEvent.LoginRequired ended) {
            line(styled("@|red login required|@") + "  " + ended.error().getMessage());
        } else if (event instanceof SessionEvent.Invalidated refused) {
            line("the API refused " + refused.fingerprint());
        } else if (event instanceof SessionEvent.ScopesReduced reduced) {
            line(styled("@|yellow fewer scopes|@") + "  without " + plain(String.join(" ", reduced.missing())));
        } else if (event instanceof SessionEvent.GrantExpiring expiring) {
            line(styled("@|yellow consent ends|@") + "  on " + expiring.grantExpiresAt());
        } else if (event instanceof SessionEvent.StoreFailed failed) {
            line(styled("@|yellow store failed|@") + "  " + failed.error().getMessage());
        }
        // A refresh is shown with its token, the end of the session by the end of the program.
    }

    @Override
    public void me(int status, String body) {
        line("the API responds with " + status + "  " + plain(body));
    }

    @Override
    public void error(String kind, String message) {
        close();
        err.println(message);
        err.flush();
    }

    private String styled(String markup) {
        return ansi.string(markup);
    }

    /** Returns the text of a server on one line and without control characters. */
    private static String plain(String text) {
        return text.replaceAll("[\\s\\p{Cc}]+", " ");
    }

    private synchronized void countDown(String what, @Nullable Instant until) {
        if (live && until != null) {
            countdown.update(Flux.interval(Duration.ZERO, Duration.ofSeconds(1), Schedulers.single())
                    .map(tick -> Duration.between(clock.instant(), until).toSeconds())
                    .subscribe(left -> overwrite(what + (left > 0 ? " within " + left + " s" : " now"))));
        }
    }

    /** Writes a line above the countdown, which is shown again with its next second. */
    private synchronized void line(String text) {
        out.println((live ? CLEAR_LINE : "") + text);
        Reporter.requireReader(out);
    }

    private synchronized void overwrite(String text) {
        if (!countdown.isDisposed()) {
            out.print(CLEAR_LINE + styled("@|faint " + text + "|@"));
            out.flush();
        }
    }

    @Override
    public synchronized void close() {
        if (live && !countdown.isDisposed()) {
            out.print(CLEAR_LINE);
        }
        countdown.dispose();
        out.flush();
    }
}
