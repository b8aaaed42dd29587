package io.tokenswap.benchmark;

import com.github.scribejava.core.builder.ServiceBuilder;
import com.github.scribejava.core.builder.api.DefaultApi20;
import com.github.scribejava.core.oauth.OAuth20Service;
import com.nimbusds.oauth2.sdk.RefreshTokenGrant;
import com.nimbusds.oauth2.sdk.TokenRequest;
import com.nimbusds.oauth2.sdk.TokenResponse;
import com.nimbusds.oauth2.sdk.auth.ClientSecretBasic;
import com.nimbusds.oauth2.sdk.auth.Secret;
import com.nimbusds.oauth2.sdk.id.ClientID;
import com.nimbusds.oauth2.sdk.token.RefreshToken;
import io.netty.buffer.Unpooled;
import io.tokenswap.http.ClientAuthentication;
import io.tokenswap.http.ProviderEndpoint;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Base64;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.springframework.security.oauth2.client.endpoint.OAuth2RefreshTokenGrantRequest;
import org.springframework.security.oauth2.client.endpoint.WebClientReactiveRefreshTokenTokenResponseClient;
import org.springframework.security.oauth2.client.registration.ClientRegistration;
import org.springframework.security.oauth2.core.AuthorizationGrantType;
import org.springframework.security.oauth2.core.OAuth2AccessToken;
import org.springframework.security.oauth2.core.OAuth2RefreshToken;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;
import reactor.netty.http.client.HttpClient;

/**
 * A refresh over loopback, beside a bare post of the same bytes by Reactor Netty and beside peers, in one run: 64 in flight, and
 * one after another. All as they come: their own pools, their own parsers. A client that blocks gets a thread for each.
 */
@State(Scope.Benchmark)
@Warmup(iterations = 4, time = 2)
@Measurement(iterations = 5, time = 2)
@Fork(2)
public class RefreshBenchmark {

    private static final int IN_FLIGHT = 64;
    private static final int BATCH = 2_048;
    private static final String REFRESH_TOKEN = "refresh-token-of-thirty-five-chars1";

    @Param({"bare", "tokenswap", "springSecurity", "scribeJava", "nimbus"})
    private String client;

    private final Scheduler threads = Schedulers.newBoundedElastic(IN_FLIGHT, BATCH, "caller");
    private TokenServer server;
    private Mono<?> refresh;

    @Setup
    public void start() {
        server = TokenServer.start();
        refresh = switch (client) {
            case "bare" -> bare(server.uri());
            case "tokenswap" -> tokenswap(server.uri());
            case "springSecurity" -> springSecurity(server.uri());
            case "scribeJava" -> scribeJava(server.uri());
            case "nimbus" -> nimbus(server.uri());
            default -> throw new IllegalArgumentException(client);
        };
    }

    @TearDown
    public void stop() {
        server.close();
        threads.dispose();
    }

    @Benchmark
    @BenchmarkMode(Mode.Throughput)
    @OutputTimeUnit(TimeUnit.SECONDS)
    @OperationsPerInvocation(BATCH)
    public void inFlight() {
        Flux.range(0, BATCH).flatMap(number -> refresh, IN_FLIGHT).blockLast();
    }

    @Benchmark
    @BenchmarkMode(Mode.SampleTime)
    @OutputTimeUnit(TimeUnit.MICROSECONDS)
    public Object oneByOne() {
        return refresh.block();
    }

    static Mono<?> bare(URI uri) {
        byte[] body = ("grant_type=refresh_token&refresh_token=" + REFRESH_TOKEN).getBytes(StandardCharsets.US_ASCII);
        String credentials = Base64.getEncoder().encodeToString("client:secret".getBytes(StandardCharsets.US_ASCII));
        return HttpClient.create()
                .headers(headers -> headers.set("Authorization", "Basic " + credentials)
                        .set("Content-Type", "application/x-www-form-urlencoded")
                        .set("Accept", "application/json"))
                .post()
                .uri(uri)
                .send(Mono.fromSupplier(() -> Unpooled.wrappedBuffer(body)))
                .responseSingle((response, content) -> content.asString());
    }

    static Mono<?> tokenswap(URI uri) {
        return ProviderEndpoint.create(uri, ClientAuthentication.basic("client", "secret"))
                .refresh(io.tokenswap.RefreshToken.of(REFRESH_TOKEN));
    }

    private static Mono<?> springSecurity(URI uri) {
        ClientRegistration registration = ClientRegistration.withRegistrationId("provider")
                .clientId("client")
                .clientSecret("secret")
                .authorizationGrantType(AuthorizationGrantType.AUTHORIZATION_CODE)
                .redirectUri("http://127.0.0.1/auth")
                .authorizationUri("http://127.0.0.1/authorize")
                .tokenUri(uri.toString())
                .build();
        Instant now = Instant.now();
        OAuth2RefreshTokenGrantRequest request = new OAuth2RefreshTokenGrantRequest(
                registration,
                new OAuth2AccessToken(OAuth2AccessToken.TokenType.BEARER, "access", now, now.plusSeconds(60)),
                new OAuth2RefreshToken(REFRESH_TOKEN, now));
        var client = new WebClientReactiveRefreshTokenTokenResponseClient();
        return Mono.defer(() -> client.getTokenResponse(request));
    }

    private Mono<?> scribeJava(URI uri) {
        OAuth20Service service = new ServiceBuilder("client")
                .apiSecret("secret")
                .build(new DefaultApi20() {
                    @Override
                    public String getAccessTokenEndpoint() {
                        return uri.toString();
                    }

                    @Override
                    protected String getAuthorizationBaseUrl() {
                        return uri.toString();
                    }
                });
        return blocking(() -> service.refreshAccessToken(REFRESH_TOKEN));
    }

    private Mono<?> nimbus(URI uri) {
        ClientSecretBasic client = new ClientSecretBasic(new ClientID("client"), new Secret("secret"));
        return blocking(() -> {
            RefreshTokenGrant grant = new RefreshTokenGrant(new RefreshToken(REFRESH_TOKEN));
            return TokenResponse.parse(
                            new TokenRequest(uri, client, grant).toHTTPRequest().send())
                    .toSuccessResponse();
        });
    }

    private Mono<?> blocking(Callable<?> call) {
        return Mono.fromCallable(call).subscribeOn(threads);
    }
}
