package io.tokenswap.samples.desktop;

import static io.tokenswap.samples.desktop.Servers.assertFree;
import static io.tokenswap.samples.desktop.Servers.freePort;
import static io.tokenswap.samples.desktop.Servers.url;
import static org.assertj.core.api.Assertions.assertThat;

import io.netty.handler.codec.http.QueryStringDecoder;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PipedInputStream;
import java.io.PipedOutputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.netty.DisposableServer;
import reactor.test.scheduler.VirtualTimeScheduler;

/** Login on a machine without a browser: the person pastes the redirect. */
class PastedRedirectTest {

    @Test
    void onlyTheAddressAtWhichTheBrowserEndedIsAccepted() throws IOException {
        DisposableServer exchange =
                Servers.start((request, response) -> response.header("Content-Type", "application/json")
                        .sendString(Mono.just("{\"access_token\":\"canary-access-token\",\"expires_in\":3600}")));
        int port = freePort();
        PipedInputStream in = new PipedInputStream(8192);
        try (PipedOutputStream person = new PipedOutputStream(in)) {
            Run run = Run.of(
                            Map.of(),
                            in,
                            "--browser print --timeout 20s --refreshes 0 --listen http://localhost:" + port
                                    + "/auth --exchange " + url(exchange),
                            line -> {
                                if (line.startsWith("http")) {
                                    String state = new QueryStringDecoder(line)
                                            .parameters()
                                            .get("state")
                                            .get(0);
                                    String end = "http://localhost:" + port + "/auth?code=canary-code&state=";
                                    type(person, "hello\n\n" + end + "another\n" + end + state + "\r\n");
                                }
                            })
                    .succeeds();
            assertThat(run.out())
                    .containsOnlyOnce("paste the address at which it ends here")
                    .contains("signed in")
                    .doesNotContain("canary");
            assertThat(run.out().lines().filter(line -> line.startsWith("That is not the address")))
                    .hasSize(2);
            assertFree(port);
        } finally {
            exchange.disposeNow();
        }
    }

    @Test
    void whatTheLibraryAcceptsIsNotReported() {
        StringWriter out = new StringWriter();
        Flux<String> lines =
                Flux.just("code=c&state=s", "?code=c&state=s", " http://localhost:4002/auth?code=a;b&state=s#end ", "");
        PastedRedirect pasted =
                new PastedRedirect(lines, new JsonLines(new PrintWriter(out, true), InstantSource.system()));
        pasted.expect(URI.create("https://exchange.example.com/?state=s"));

        assertThat(pasted.lines().count().block()).isEqualTo(4);
        assertThat(out.toString()).isEmpty();
    }

    @Test
    void linesAreTakenAsTheyArriveAndAClosedInputIsNoError() {
        VirtualTimeScheduler time = VirtualTimeScheduler.create();
        StringBuilder typed = new StringBuilder();
        InputStream in = new InputStream() {
            @Override
            public int available() throws IOException {
                if (typed.toString().equals("closed")) {
                    throw new IOException("closed");
                }
                return typed.length();
            }

            @Override
            public int read() {
                throw new AssertionError("This would block");
            }

            @Override
            public byte[] readNBytes(int length) throws IOException {
                byte[] bytes = new ByteArrayInputStream(typed.toString().getBytes(StandardCharsets.US_ASCII))
                        .readNBytes(length);
                typed.setLength(0);
                return bytes;
            }
        };
        List<String> lines = new ArrayList<>();
        Disposable reading = PastedLines.of(in, time).subscribe(lines::add);
        typed.append("one\r\ntw");
        time.advanceTimeBy(Duration.ofSeconds(1));
        assertThat(lines).containsExactly("one");
        typed.append("o\n three \n");
        time.advanceTimeBy(Duration.ofSeconds(1));
        assertThat(lines).containsExactly("one", "two", "three");
        typed.append("closed");
        time.advanceTimeBy(Duration.ofSeconds(1));
        assertThat(reading.isDisposed()).isFalse();
        reading.dispose();
        time.dispose();
    }

    private static void type(PipedOutputStream person, String text) {
        try {
            person.write(text.getBytes(StandardCharsets.US_ASCII));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
