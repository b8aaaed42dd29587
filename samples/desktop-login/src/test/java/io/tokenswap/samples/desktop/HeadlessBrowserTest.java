package io.tokenswap.samples.desktop;

import static io.tokenswap.samples.desktop.Servers.url;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.tokenswap.TokenUnavailableException;
import java.net.URI;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.netty.DisposableServer;

class HeadlessBrowserTest {

    private static void open(DisposableServer server) {
        new HeadlessBrowser()
                .open(URI.create(url(server) + "/start?server_uri=" + url(server) + "/auth"))
                .block();
    }

    @ParameterizedTest
    @ValueSource(ints = {301, 302, 303, 307, 308})
    void followsRedirectsWithTheirCookiesToTheReceiver(int status) {
        DisposableServer server = Servers.start((request, response) -> switch (request.path()) {
            case "start" ->
                response.status(status)
                        .header("Location", "next?a=b")
                        .header("Set-Cookie", "login=1; Path=/; Max-Age=60; HttpOnly")
                        .send();
            case "next" ->
                response.status(
                                request.requestHeaders().contains(HttpHeaderNames.COOKIE, "login=1", false)
                                        ? status
                                        : 400)
                        .header("Location", "/auth?code=c")
                        .send();
            default -> response.send();
        });
        try {
            open(server);
        } finally {
            server.disposeNow();
        }
    }

    @Test
    void doesNotGoRoundInCirclesForEver() {
        AtomicInteger visits = new AtomicInteger();
        DisposableServer server = Servers.start((request, response) -> {
            visits.incrementAndGet();
            return response.sendRedirect("/start");
        });
        try {
            assertThatThrownBy(() -> open(server))
                    .hasMessageContaining("in a loop")
                    .hasMessageContaining("--browser");
            assertThat(visits).hasValueLessThanOrEqualTo(21);
        } finally {
            server.disposeNow();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"file:///etc/passwd", "spotify:user:demo"})
    void followsNothingButTheWeb(String location) {
        DisposableServer server = Servers.start((request, response) -> response.sendRedirect(location));
        try {
            assertThatThrownBy(() -> open(server)).hasMessageContaining("neither http nor https");
        } finally {
            server.disposeNow();
        }
    }

    @Test
    void namesTheProviderThatDoesNotRespond() {
        int unused = Servers.freePort();
        DisposableServer server = Servers.start(
                (request, response) -> response.sendRedirect("http://127.0.0.1:" + unused + "/authorize?state=canary"));
        try {
            assertThatThrownBy(() -> open(server))
                    .isInstanceOf(TokenUnavailableException.class)
                    .hasMessageContaining("http://127.0.0.1:" + unused)
                    .hasMessageNotContaining("canary");
        } finally {
            server.disposeNow();
        }
    }
}
