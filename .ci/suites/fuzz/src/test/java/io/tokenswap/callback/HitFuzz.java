package io.tokenswap.callback;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpRequestDecoder;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.util.ReferenceCountUtil;
import io.tokenswap.AuthorizationRequest;
import io.tokenswap.AuthorizationResponse;
import io.tokenswap.AuthorizationResponse.Granted;
import io.tokenswap.RedirectParameters;
import io.tokenswap.callback.RequestFilter.Target;
import io.tokenswap.testing.Effort;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.params.provider.MethodSource;
import reactor.core.scheduler.Schedulers;

/** The bytes of a request to the receiver: refused, or judged; and only a browser that brings the state ends the login. */
class HitFuzz {

    private static final Effort EFFORT = new Effort(Duration.ofMillis(100));
    private static final AuthorizationRequest REQUEST = AuthorizationRequest.builder(
                    URI.create("https://auth.example.com/login"))
            .build(URI.create("http://localhost:4002/auth"));
    private static final String STATE = state(REQUEST);
    private static final Set<Integer> REFUSALS = Set.of(400, 403, 404, 405, 414, 417, 421, 431);

    static String state(AuthorizationRequest request) {
        Matcher state =
                Pattern.compile("[?&]state=([^&]+)").matcher(request.uri().toString());
        assertThat(state.find()).isTrue();
        return state.group(1);
    }

    static Stream<byte[]> seeds() {
        String good = "GET /auth?code=AQD&state=STATE HTTP/1.1\r\nHost: localhost:4002\r\n";
        return Stream.of(
                        good + "Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n\r\n",
                        good + "Origin: https://other.test\r\n\r\n",
                        good + "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n",
                        good + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                        good + "Host: other.test\r\n\r\n",
                        "GET http://127.0.0.1:4002/auth?error=access_denied&state=STATE HTTP/1.0\r\nHost: [::1]:4002\r\n\r\n",
                        "GET /auth?%63ode=$(id)&state=STATE&&|<>^% HTTP/1.1\r\nHost: localhost:4002\r\n\r\n",
                        "POST /auth?code=a&state=STATE HTTP/1.1\r\nHost: localhost:4002\r\n\r\n",
                        "GET /auth?" + "a=%41&".repeat(1_300)
                                + "code=a&state=STATE HTTP/1.1\r\nHost: localhost:4002\r\n\r\n",
                        "GET /auth?" + "&".repeat(9_000) + " HTTP/1.1\r\nHost: localhost:4002\r\n\r\n")
                .map(seed -> seed.getBytes(StandardCharsets.ISO_8859_1));
    }

    @MethodSource("seeds")
    @FuzzTest
    void onlyTheBrowserWithTheStateEndsTheLogin(byte[] input) {
        String text = new String(input, StandardCharsets.ISO_8859_1).replace("STATE", STATE);
        EmbeddedChannel channel = new EmbeddedChannel(new RawRequestGuard(), new HttpRequestDecoder());
        channel.writeInbound(Unpooled.wrappedBuffer(text.getBytes(StandardCharsets.ISO_8859_1)));
        for (Object message = channel.readInbound(); message != null; message = channel.readInbound()) {
            if (message instanceof HttpRequest request) {
                check(request, text);
            }
            ReferenceCountUtil.release(message);
        }
        channel.finishAndReleaseAll();
    }

    private static void check(HttpRequest request, String text) {
        Target target = EFFORT.of(() -> Target.parse(request.uri()));
        HttpResponseStatus refusal = EFFORT.of(() -> RequestFilter.refusal(request, target, 4002, "/auth"::equals));
        if (refusal != null) {
            assertThat(refusal.code()).isIn(REFUSALS);
            return;
        }
        // RFC 9112 section 3 lets a server take other white space for the space of a request line, as Netty does.
        assertThat(text)
                .containsPattern("GET\\s")
                .containsPattern("(?i)host")
                .containsPattern("(?i)(localhost|127\\.0\\.0\\.1|\\[::1]):4002");
        assertThat(request.headers().getAll("Host")).hasSize(1);
        assertThat(request.headers().names()).doesNotContain("Origin", "Transfer-Encoding", "Expect");

        AuthorizationResponse response = EFFORT.of(() -> offered(target.query()));
        if (response != null) {
            assertThat(text).contains(STATE);
            if (response instanceof Granted granted) {
                assertThat(granted.code().secret()).hasSizeBetween(1, 7168);
            }
        }
    }

    /** Returns the response that ends the login, or null. */
    private static AuthorizationResponse offered(String query) {
        AtomicReference<AuthorizationResponse> response = new AtomicReference<>();
        new PendingLogin(REQUEST, CallbackPage.create(), Schedulers.parallel(), response::set)
                .receive(RedirectParameters.parse(query));
        return response.get();
    }

    @AfterAll
    static void report() {
        System.out.println("Hits: " + EFFORT);
    }
}
