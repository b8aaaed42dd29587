package io.tokenswap.samples.desktop;

import static org.assertj.core.api.Assertions.assertThat;

import io.tokenswap.Token;
import io.tokenswap.session.SessionEvent;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Instant;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

class ScreenTest {

    private static final Instant NOW = Instant.parse("2026-11-23T12:00:00Z");
    private static final Token TOKEN = Token.builder("canary-access-token", NOW)
            .refreshToken("canary-refresh-token")
            .scopes(List.of("user-read-private", "\u001B[31mred"))
            .expiresAt(NOW.plusSeconds(10))
            .build();

    private final CountDownLatch counting = new CountDownLatch(1);
    private final StringWriter out = new StringWriter() {
        @Override
        public void write(String text, int offset, int length) {
            super.write(text, offset, length);
            if (text.contains("next refresh within")) {
                counting.countDown();
            }
        }
    };

    private Screen screen(boolean live, boolean colour) {
        return new Screen(new PrintWriter(out), new PrintWriter(out), () -> NOW, live, colour);
    }

    @Test
    void aTokenIsShownByItsFingerprintAndOrdersNothingFromTheTerminal() {
        try (Screen screen = screen(false, false)) {
            screen.token(TOKEN, 0, NOW.plusSeconds(8));
            screen.me(200, "{\"name\":\n\"\u001B]0;title\u0007\u009B31m\"}");
        }
        assertThat(out.toString())
                .contains("signed in  " + TOKEN.fingerprint())
                .doesNotContain("canary", "next refresh")
                .doesNotContain("\u001B", "\u0007", "\u009B");
        assertThat(out.toString().lines()).hasSize(2);
    }

    @Test
    void scopesThatAreGoneAreNamedAndOrderNothingFromTheTerminalEither() {
        try (Screen screen = screen(false, false)) {
            screen.event(new SessionEvent.ScopesReduced(NOW, new LinkedHashSet<>(TOKEN.scopes())));
        }
        assertThat(out.toString())
                .contains("fewer scopes  without user-read-private")
                .doesNotContain("\u001B");
    }

    @Test
    void aTerminalCountsDownToTheNextRefreshAndIsLeftClean() throws InterruptedException {
        try (Screen screen = screen(true, false)) {
            screen.token(TOKEN, 1, NOW.plusSeconds(8));
            counting.await();
            screen.note("something");
        }
        assertThat(out.toString())
                .contains("refresh 1  " + TOKEN.fingerprint())
                .contains("\r\u001B[2Knext refresh within 8 s")
                .contains("\r\u001B[2Ksomething\n")
                .endsWith("\r\u001B[2K");
    }

    @Test
    void coloursAreUsedOnlyWhereWanted() {
        try (Screen screen = screen(true, true)) {
            screen.token(TOKEN, 0, null);
        }
        assertThat(out.toString()).contains("\u001B[32m");
        out.getBuffer().setLength(0);
        try (Screen screen = screen(true, false)) {
            screen.token(TOKEN, 0, null);
        }
        assertThat(out.toString()).doesNotContain("\u001B[32m", "\u001B[1m");
    }
}
