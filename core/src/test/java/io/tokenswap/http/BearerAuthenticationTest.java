package io.tokenswap.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.handler.codec.http.websocketx.WebSocketClientHandshakeException;
import io.netty.resolver.AddressResolver;
import io.netty.resolver.AddressResolverGroup;
import io.netty.resolver.InetNameResolver;
import io.netty.util.concurrent.EventExecutor;
import io.netty.util.concurrent.Promise;
import io.tokenswap.LoginRequiredException;
import io.tokenswap.Token;
import io.tokenswap.TokenSource;
import io.tokenswap.testing.RawServer;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.netty.ByteBufFlux;
import reactor.netty.http.client.HttpClient;
import reactor.netty.resources.ConnectionProvider;

class BearerAuthenticationTest {

    /** Hands out token n until n is reported as refused, then n + 1. */
    private static final class CountingSource implements TokenSource {

        private final List<String> refused = Collections.synchronizedList(new ArrayList<>());
        private final List<String> accepted = Collections.synchronizedList(new ArrayList<>());
        private final AtomicInteger current = new AtomicInteger();

        @Override
        public Mono<Token> token() {
            return Mono.fromSupplier(() -> token(current.get()));
        }

        private static Token token(int n) {
            return Token.builder("canary-" + n, Samples.NOW).build();
        }

        @Override
        public void invalidate(Token rejected) {
            refused.add(rejected.accessToken().secret());
            int n = Integer.parseInt(rejected.accessToken().secret().substring("canary-".length()));
            current.compareAndSet(n, n + 1);
        }

        @Override
        public void accept(Token token) {
            accepted.add(token.accessToken().secret());
        }
    }

    private final CountingSource source = new CountingSource();
    private volatile int accepted;
    private final RecordingServer api = RecordingServer.responding((request, response) -> {
        boolean good = ("Bearer canary-" + accepted).equals(request.headers().get("Authorization"));
        return response.status(good ? 200 : 401).sendString(Mono.just(good ? "hello " + request.body() : "who?"));
    });
    private final HttpClient plain = HttpClient.create().baseUrl(api.uri().toString());
    private final HttpClient client = BearerAuthentication.apply(plain, source);

    @AfterEach
    void stop() {
        api.dispose();
    }

    private static Mono<String> call(HttpClient client) {
        return client.get()
                .uri("/v1/me")
                .responseSingle((response, body) -> body.asString()
                        .defaultIfEmpty("")
                        .map(text -> response.status().code() + " " + text));
    }

    @Test
    void goodTokenIsSentOnce() {
        assertThat(call(client).block()).isEqualTo("200 hello ");

        assertThat(api.onlyRequest().headers().getAll("Authorization")).containsExactly("Bearer canary-0");
        assertThat(source.refused).isEmpty();
    }

    @Test
    void eachSubscriptionAsksForTheTokenAnew() {
        Mono<String> call = call(client);
        call.block();
        accepted = 1;
        source.current.set(1);

        assertThat(call.block()).isEqualTo("200 hello ");
        assertThat(source.refused).isEmpty();
    }

    @Test
    void refusedTokenIsReportedAndTheCallSentOnceMore() {
        accepted = 1;

        assertThat(call(client).block()).isEqualTo("200 hello ");
        assertThat(api.requests())
                .extracting(request -> request.headers().get("Authorization"))
                .containsExactly("Bearer canary-0", "Bearer canary-1");
        assertThat(source.refused).containsExactly("canary-0");
    }

    @Test
    @Tag("E15")
    void theTokenOfASuccessfulCallIsAcceptedAndNoOther() {
        call(client).block();
        accepted = 1;
        call(client).block();
        accepted = 7;
        call(client).block();

        assertThat(source.accepted).containsExactly("canary-0", "canary-1");
        assertThat(source.refused).containsExactly("canary-0", "canary-1");
    }

    @Test
    void secondRefusalIsPassedOn() {
        accepted = 9;

        assertThat(call(client).block()).isEqualTo("401 who?");
        assertThat(api.requests()).hasSize(2);
        assertThat(source.refused).containsExactly("canary-0");
    }

    @Test
    void bodyIsSentAgainWithTheNextToken() {
        accepted = 1;

        String received = client.post()
                .uri("/v1/play")
                .send(ByteBufFlux.fromString(Flux.just("some", "body")))
                .responseSingle((response, body) -> body.asString())
                .block();

        assertThat(received).isEqualTo("hello somebody");
        assertThat(api.requests()).hasSize(2);
    }

    @Test
    void thousandParallelRefusalsReportTheTokenThatEachUsed() {
        accepted = 1;
        // One Mono, subscribed to in parallel, shares one configuration of the client.
        Mono<String> call = call(client);

        List<String> responses =
                Flux.range(0, 1_000).flatMap(i -> call, 200).collectList().block();

        assertThat(responses).hasSize(1_000).containsOnly("200 hello ");
        assertThat(source.refused).containsOnly("canary-0");
        assertThat(source.current).hasValue(1);
    }

    @Test
    void parallelCallsWithDifferentTokensReportTheirOwn() {
        accepted = -1;
        AtomicInteger next = new AtomicInteger();
        List<String> refused = Collections.synchronizedList(new ArrayList<>());
        TokenSource everyTimeAnother = new TokenSource() {
            @Override
            public Mono<Token> token() {
                return Mono.fromSupplier(() -> CountingSource.token(next.getAndIncrement()));
            }

            @Override
            public void invalidate(Token rejected) {
                refused.add("Bearer " + rejected.accessToken().secret());
            }
        };
        Mono<String> call = call(BearerAuthentication.apply(plain, everyTimeAnother));

        Flux.range(0, 200).flatMap(i -> call, 50).blockLast();

        // 200 first attempts are refused and reported, 200 second ones refused and passed on, and no token is sent
        // twice.
        List<String> sent = api.requests().stream()
                .map(request -> request.headers().get("Authorization"))
                .toList();
        assertThat(sent).hasSize(400).doesNotHaveDuplicates();
        assertThat(refused).hasSize(200).doesNotHaveDuplicates();
        assertThat(sent).containsAll(refused);
    }

    @Test
    void withoutATokenNothingIsSent() {
        HttpClient client = BearerAuthentication.apply(
                plain, () -> Mono.error(new LoginRequiredException("The grant has ended", null)));

        assertThatThrownBy(() -> call(client).block()).isInstanceOf(LoginRequiredException.class);
        assertThat(api.requests()).isEmpty();
    }

    @Test
    void refreshThatFailsAfterARefusalIsTheErrorOfTheCall() {
        accepted = 9;
        HttpClient client = BearerAuthentication.apply(plain, new TokenSource() {
            private volatile boolean ended;

            @Override
            public Mono<Token> token() {
                return ended
                        ? Mono.error(new LoginRequiredException("The grant has ended", null))
                        : Mono.just(CountingSource.token(0));
            }

            @Override
            public void invalidate(Token rejected) {
                ended = true;
            }
        });

        assertThatThrownBy(() -> call(client).block()).isInstanceOf(LoginRequiredException.class);
        assertThat(api.requests()).hasSize(1);
    }

    @Test
    void callerThatCancelsDoesNotCancelAnother() {
        accepted = 1;
        Mono<String> call = call(client);

        call.subscribe().dispose();

        assertThat(call.block()).isEqualTo("200 hello ");
    }

    @Test
    void tokenNeverCrossesANetworkUnencrypted() {
        HttpClient insecure = BearerAuthentication.apply(
                HttpClient.newConnection()
                        .resolver(everyNameIsLoopback())
                        .baseUrl("http://api.example.com:" + api.uri().getPort()),
                source);

        assertThatThrownBy(() -> call(insecure).block())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("The API is plain http to api.example.com")
                .hasMessageContaining("use https");
        assertThat(api.requests()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "https://api.example.com/a b, true",
        "wss://api_server.example.com/, true",
        "http://localhost:8080/, true",
        "ws://[::1]:8080/, true",
        "http://10.0.0.1/, false",
        "ws://api.example.com/, false",
        "http://api_server.example.com/https://x, false"
    })
    void encryptionOrLoopbackIsWhatATokenNeeds(String url, boolean fit) {
        assertThat(Origin.of(url).isPrivate()).isEqualTo(fit);
    }

    private static AddressResolverGroup<InetSocketAddress> everyNameIsLoopback() {
        return new AddressResolverGroup<>() {
            @Override
            protected AddressResolver<InetSocketAddress> newResolver(EventExecutor executor) {
                return new InetNameResolver(executor) {
                    @Override
                    protected void doResolve(String name, Promise<InetAddress> promise) {
                        promise.setSuccess(InetAddress.getLoopbackAddress());
                    }

                    @Override
                    protected void doResolveAll(String name, Promise<List<InetAddress>> promise) {
                        promise.setSuccess(List.of(InetAddress.getLoopbackAddress()));
                    }
                }.asAddressResolver();
            }
        };
    }

    @ParameterizedTest(name = "redirect to {0} is followed without the token")
    @ValueSource(strings = {"another origin", "the same origin"})
    void redirectNeverSeesTheToken(String where) {
        RecordingServer elsewhere = RecordingServer.responding(401, "");
        RecordingServer redirecting =
                RecordingServer.responding((request, response) -> request.uri().equals("/v1/me")
                        ? response.status(302)
                                .header(
                                        "Location",
                                        where.equals("another origin")
                                                ? elsewhere.uri("/elsewhere").toString()
                                                : "/elsewhere")
                                .send()
                        : response.status(401).send());
        HttpClient following = BearerAuthentication.apply(
                        HttpClient.create().baseUrl(redirecting.uri().toString()), source)
                .followRedirect(true);

        try {
            assertThat(call(following).block()).startsWith("401");
            assertThat(Flux.concat(Flux.fromIterable(redirecting.requests()), Flux.fromIterable(elsewhere.requests()))
                            .filter(request -> request.uri().equals("/elsewhere"))
                            .map(request -> request.headers().contains("Authorization"))
                            .collectList()
                            .block())
                    .containsExactly(false);
            assertThat(source.refused).isEmpty();
        } finally {
            redirecting.dispose();
            elsewhere.dispose();
        }
    }

    @Test
    void twoUsersShareOneClient() {
        ConcurrentHashMap<String, Integer> seen = new ConcurrentHashMap<>();
        HttpClient ada = BearerAuthentication.apply(plain, () -> Mono.just(token("ada")));
        HttpClient bob = BearerAuthentication.apply(plain, () -> Mono.just(token("bob")));

        Flux.range(0, 100).flatMap(i -> call(i % 2 == 0 ? ada : bob), 20).blockLast();
        api.requests().forEach(request -> seen.merge(request.headers().get("Authorization"), 1, Integer::sum));

        // Each call is refused once and sent again.
        assertThat(seen).containsOnlyKeys("Bearer ada", "Bearer bob").containsValues(100, 100);
        assertThat(plain.configuration().headers()).isEmpty();
    }

    @Test
    void laterAuthenticationReplacesTheHeaderOfAnEarlierOne() {
        HttpClient twice = BearerAuthentication.apply(
                BearerAuthentication.apply(plain, () -> Mono.just(token("inner"))), () -> Mono.just(token("canary-0")));

        assertThat(call(twice).block()).isEqualTo("200 hello ");
        assertThat(api.onlyRequest().headers().getAll("Authorization")).containsExactly("Bearer canary-0");
    }

    @Nested
    class ByOrigins {

        private final RecordingServer other = RecordingServer.responding(200, "{}");

        @AfterEach
        void stop() {
            other.dispose();
        }

        private Mono<String> absolute(HttpClient client, URI uri) {
            return client.get()
                    .uri(uri.toString())
                    .responseContent()
                    .aggregate()
                    .asString();
        }

        @Test
        @Tag("E32")
        void theTokenDoesNotGoToAnotherHostByAnAbsoluteUrl() {
            assertThatThrownBy(() -> absolute(client, other.uri("/steal")).block())
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("BearerAuthentication.apply(client, tokens, origins)")
                    .hasMessageContaining(other.uri("").toString());
            assertThat(other.requests()).isEmpty();
        }

        @Test
        @Tag("E32")
        void aUrlThatIsKnownLateIsChecked() {
            Mono<String> late = client.get()
                    .uri(Mono.just(other.uri("/steal").toString()))
                    .responseContent()
                    .aggregate()
                    .asString();

            assertThatThrownBy(late::block).isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(
                            () -> call(client.baseUrl(other.uri("").toString())).block())
                    .isInstanceOf(IllegalArgumentException.class);
            assertThat(other.requests()).isEmpty();
        }

        @Test
        @Tag("E32")
        void aForeignUrlOpensNoConnection() {
            RawServer raw = RawServer.responding("");
            try {
                assertThatThrownBy(() -> absolute(client, raw.uri()).block())
                        .isInstanceOf(IllegalArgumentException.class);
                assertThat(raw.connections()).isZero();
            } finally {
                raw.dispose();
            }
        }

        @Test
        @Tag("E32")
        void aNamedOriginReceivesTheToken() {
            HttpClient two = BearerAuthentication.apply(plain, source, api.uri(), other.uri(""));

            absolute(two, other.uri("/v1")).block();

            assertThat(call(two).block()).isEqualTo("200 hello ");
            assertThat(other.onlyRequest().headers().get("Authorization")).isEqualTo("Bearer canary-0");
        }

        @Test
        @Tag("E32")
        void withoutBaseUrlAndOriginsNoServerReceivesTheToken() {
            assertThatThrownBy(() -> BearerAuthentication.apply(HttpClient.create(), source))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("origins");
        }

        @ParameterizedTest
        @CsvSource({
            "https://api.example.com, https://api.example.com/v1/me?x, true",
            "https://api.example.com, wss://api.example.com:443/events, true",
            "wss://api.example.com, HTTPS://API.example.COM, true",
            "https://api.example.com, http://api.example.com, false",
            "https://api.example.com, https://api.example.com:8443/, false",
            "https://api.example.com, https://api.example.com.evil.com/, false",
            "https://api.example.com, https://api.example.com@evil.com/, false",
            "https://api.example.com, https://evil.com/https://api.example.com/, false",
            "https://api.example.com, https://evil.com\\@api.example.com/, false",
            "http://[::1]:80, http://[::1]/, true",
            "https://api.example.com, ftp://api.example.com, false"
        })
        @Tag("E32")
        void originsAreEqualIfTheSameServerResponds(String named, String url, boolean equal) {
            assertThat(Origin.named(URI.create(named)).equals(Origin.of(url))).isEqualTo(equal);
        }

        @ParameterizedTest
        @CsvSource({
            "https://API.example.com:443/v1, https://api.example.com",
            "https://api.example.com:8443/v1, https://api.example.com:8443",
            "https://api.example.com:80, https://api.example.com:80",
            "http://localhost:80/v1, http://localhost",
            "http://localhost:443, http://localhost:443"
        })
        void anErrorNamesAnOriginWithoutItsDefaultPort(String url, String named) {
            assertThat(Origin.of(url)).hasToString(named);
        }

        @ParameterizedTest
        @ValueSource(strings = {"https://:443/v1", "https://api.example.com:port/", "/v1", "ftp://api.example.com"})
        void aUrlWithoutAnOriginGetsNoToken(String url) {
            assertThat(Origin.of(url)).isNull();
        }

        @ParameterizedTest
        @ValueSource(
                strings = {
                    "https://api.example.com/v1",
                    "https://api.example.com#x",
                    "https://:443",
                    "https://api.example.com?x",
                    "https://user@api.example.com",
                    "api.example.com",
                    "file:///etc",
                    "https://"
                })
        void whatIsMoreOrLessThanAnOriginIsRefused(String origin) {
            assertThatThrownBy(() -> BearerAuthentication.apply(plain, source, URI.create(origin)))
                    .isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void aSourceInTheContextServesBothAttemptsOfItsUser() {
        accepted = 1;
        AtomicInteger resolved = new AtomicInteger();
        HttpClient shared = BearerAuthentication.apply(
                plain,
                Mono.deferContextual(view -> Mono.just(view.<TokenSource>get("user")))
                        .doOnNext(user -> resolved.incrementAndGet()));

        assertThat(call(shared).contextWrite(view -> view.put("user", source)).block())
                .isEqualTo("200 hello ");
        assertThat(resolved).hasValue(1);
        assertThat(source.refused).containsExactly("canary-0");
    }

    @Test
    void withoutASourceTheCallFailsAndIsNotEmpty() {
        assertThatThrownBy(() ->
                        call(BearerAuthentication.apply(plain, Mono.empty())).block())
                .isInstanceOf(IllegalStateException.class);
        assertThat(api.requests()).isEmpty();
    }

    @Test
    @Tag("E33")
    void aRefusedHandshakeOfAWebSocketInvalidatesTheToken() {
        accepted = 9;

        assertThatThrownBy(() -> client.websocket()
                        .uri("/events")
                        .handle((in, out) -> in.receive())
                        .blockLast())
                .isInstanceOf(WebSocketClientHandshakeException.class);
        assertThat(source.refused).containsExactly("canary-0");
        assertThat(api.requests()).hasSize(1);
    }

    @Nested
    class AfterARefusal {

        private static final String GOOD = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

        private final List<String> tokens = new CopyOnWriteArrayList<>();
        private final Disposable.Composite started = Disposables.composite();

        @AfterEach
        void stop() {
            started.dispose();
        }

        /** An API whose first refusal is played by a script. */
        private HttpClient refusingBy(RawServer.Script refusal) {
            RawServer server = RawServer.playing(connection -> {
                tokens.add(connection.request());
                if (tokens.size() == 1) {
                    refusal.play(connection);
                } else {
                    connection.write(GOOD);
                }
            });
            ConnectionProvider one = ConnectionProvider.create("one", 1);
            started.add(server);
            started.add(one);
            return BearerAuthentication.apply(
                    HttpClient.create(one).baseUrl(server.uri().toString()), source);
        }

        @Test
        @Tag("E34")
        void aBodyThatNeverEndsIsReadForASecondOnly() {
            HttpClient api = refusingBy(connection -> {
                connection.write("HTTP/1.1 401 Unauthorized\r\n\r\nno");
                connection.awaitClose();
            });

            assertThat(call(api).block()).isEqualTo("200 hello");
        }

        @Test
        @Tag("E34")
        void aBodyWithoutEndIsReadTo64KiBOnly() {
            AtomicLong written = new AtomicLong();
            HttpClient api = refusingBy(connection -> {
                connection.write("HTTP/1.1 401 Unauthorized\r\n\r\n");
                while (true) {
                    connection.write("no ".repeat(1024));
                    written.addAndGet(3 * 1024);
                }
            });

            assertThat(call(api).block()).isEqualTo("200 hello");
            // What was read, and what the buffers of both sockets take.
            assertThat(written.get()).isLessThan(16 * 1024 * 1024);
        }

        @Test
        void theConnectionOfARefusalIsFreeForTheNextAttempt() {
            HttpClient api = refusingBy(
                    connection -> connection.write("HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno"));

            assertThat(call(api).block()).isEqualTo("200 hello");
        }

        @Test
        @Tag("E35")
        void aBodyThatCannotBeSentTwiceLeavesTheCallerTheRefusal() {
            accepted = 1;
            Sinks.Many<String> once = Sinks.many().unicast().onBackpressureBuffer();
            once.tryEmitNext("song");
            once.tryEmitComplete();

            String response = client.post()
                    .uri("/v1/play")
                    .send(ByteBufFlux.fromString(once.asFlux()))
                    .responseSingle((head, body) ->
                            body.asString().map(text -> head.status().code() + " " + text))
                    .block();

            assertThat(response).isEqualTo("401 who?");
            assertThat(source.refused).containsExactly("canary-0");
        }
    }

    private static Token token(String value) {
        return Token.builder(value, Samples.NOW).build();
    }
}
