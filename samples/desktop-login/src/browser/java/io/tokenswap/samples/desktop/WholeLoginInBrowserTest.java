package io.tokenswap.samples.desktop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tokenswap.AuthorizationFailedException;
import io.tokenswap.Token;
import io.tokenswap.callback.Browser;
import io.tokenswap.callback.LoginFlow;
import io.tokenswap.callback.LoopbackReceiver;
import io.tokenswap.http.ExchangeServerEndpoint;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The whole way of a login with a person's clicks: exchange server, sign-in, consent, and back to the receiver. */
@Timeout(120) // a busy machine makes a browser slow
class WholeLoginInBrowserTest {

    private EmbeddedSystem system;
    private URI redirectUri;

    @BeforeEach
    void start() {
        redirectUri = URI.create("http://localhost:" + Servers.freePort() + "/auth");
        system = EmbeddedSystem.withDemoProvider(List.of(redirectUri), Duration.ofMinutes(5), false);
    }

    @AfterEach
    void stop() {
        system.close();
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("io.tokenswap.samples.desktop.RealBrowser#chosen")
    void aPersonSignsInAfterSecondThoughts(RealBrowser.Kind kind) {
        try (RealBrowser browser = kind.start();
                Tab tab = browser.newTab()) {
            CompletableFuture<Token> denied = login(tab);
            tab.click("#sign-in");
            RealBrowser.await(() -> tab.text().contains("Allow demo-client?"));
            tab.click("#deny");
            RealBrowser.await(() -> tab.text().contains("You are not signed in"));
            assertThatThrownBy(denied::join)
                    .isInstanceOf(CompletionException.class)
                    .hasCauseInstanceOf(AuthorizationFailedException.class)
                    .hasMessageContaining("The sign-in was denied");
            assertThat(tab.address()).isEqualTo(redirectUri.toString());

            CompletableFuture<Token> granted = login(tab);
            RealBrowser.await(() -> tab.text().contains("Allow demo-client?"));
            tab.click("#allow");
            RealBrowser.await(() -> tab.text().contains("You are signed in"));
            assertThat(granted.orTimeout(20, TimeUnit.SECONDS).join().scopes()).containsExactly("user-read-private");
            assertThat(tab.address()).isEqualTo(redirectUri.toString());
            assertThat(tab.complaints()).isEmpty();
        }
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("io.tokenswap.samples.desktop.RealBrowser#chosen")
    void aPersonIsAskedBeforeALoginThatEndsElsewhere(RealBrowser.Kind kind) {
        URI elsewhere = URI.create("https://app.example/auth");
        try (EmbeddedSystem foreign =
                        EmbeddedSystem.withDemoProvider(List.of(elsewhere), Duration.ofMinutes(5), false);
                RealBrowser browser = kind.start();
                Tab tab = browser.newTab()) {
            String start = foreign.exchangeUri()
                    + "/authorize?response_type=code&state=0a1b2c3d&scope=user-read-private&redirect_uri="
                    + elsewhere;
            tab.open(start);
            assertThat(tab.text()).contains("Sign in to app.example?", "https://app.example");
            assertThat(tab.complaints()).isEmpty();
            assertThat(tab.requests()).containsExactly(start);

            tab.click("a.act");
            RealBrowser.await(
                    () -> tab.requests().size() > 1 && !tab.elements("#sign-in").isEmpty());
            tab.click("#sign-in");
            RealBrowser.await(() -> tab.text().contains("Allow demo-client?"));
            tab.click("#deny");
            RealBrowser.await(() -> arrived(tab, elsewhere).startsWith("error=access_denied&"));
            assertThat(arrived(tab, elsewhere)).endsWith("&state=0a1b2c3d");

            tab.open(start);
            tab.click("a.act");
            RealBrowser.await(() -> tab.text().contains("Allow demo-client?"));
            tab.click("#allow");
            RealBrowser.await(() -> arrived(tab, elsewhere).matches("code=[A-Za-z0-9_-]+&state=0a1b2c3d"));
        }
    }

    /** Returns the query of the last request to an address, at which no server listens. */
    private static String arrived(Tab tab, URI address) {
        return tab.requests().stream()
                .filter(request -> request.startsWith(address + "?"))
                .reduce((earlier, later) -> later)
                .map(request -> request.substring(address.toString().length() + 1))
                .orElse("");
    }

    /** Runs a login as a program does, with the tab as the system's browser. */
    private CompletableFuture<Token> login(Tab tab) {
        CompletableFuture<URI> shown = new CompletableFuture<>();
        CompletableFuture<Token> token = LoginFlow.create(
                        ExchangeServerEndpoint.create(system.exchangeUri().toString()))
                .scopes("user-read-private")
                .receiver(LoopbackReceiver.create().redirectUri(redirectUri))
                .browser(Browser.printing(shown::complete))
                .token()
                .toFuture();
        tab.open(shown.orTimeout(20, TimeUnit.SECONDS).join());
        return token;
    }
}
