package io.tokenswap.samples.desktop;

import static io.tokenswap.samples.desktop.Servers.parameter;
import static io.tokenswap.samples.desktop.Servers.url;
import static org.assertj.core.api.Assertions.assertThat;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.QueryStringDecoder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Mono;
import reactor.netty.DisposableServer;
import reactor.netty.http.server.HttpServerRequest;
import reactor.netty.http.server.HttpServerResponse;

/** The login at a provider without an exchange server, as a public client: the code verifier stands for the client. */
class DirectLoginTest {

    private static final String AUTHORIZATION = "authorization: ";

    private final Queue<String> forms = new ConcurrentLinkedQueue<>();
    private volatile String challenge = "";
    private final DisposableServer provider = Servers.start((request, response) ->
            request.path().equals("authorize") ? authorize(request, response) : token(request, response));

    @AfterEach
    void stop() {
        provider.disposeNow();
    }

    private Publisher<Void> authorize(HttpServerRequest request, HttpServerResponse response) {
        challenge = parameter(request, "code_challenge");
        assertThat(parameter(request, "code_challenge_method")).isEqualTo("S256");
        assertThat(parameter(request, "client_id")).isEqualTo("public-client");
        return response.sendRedirect(
                parameter(request, "redirect_uri") + "?code=canary-code&state=" + parameter(request, "state"));
    }

    private Publisher<Void> token(HttpServerRequest request, HttpServerResponse response) {
        return request.receive().aggregate().asString().flatMap(form -> {
            forms.add(AUTHORIZATION + request.requestHeaders().get(HttpHeaderNames.AUTHORIZATION) + "&" + form);
            boolean proven = field(form, "grant_type").equals("refresh_token")
                    || challenge(field(form, "code_verifier")).equals(challenge);
            return response.status(proven ? 200 : 400)
                    .header(HttpHeaderNames.CONTENT_TYPE, "application/json")
                    .sendString(Mono.just(
                            proven
                                    ? "{\"access_token\":\"canary-access-" + forms.size()
                                            + "\",\"token_type\":\"Bearer\",\"expires_in\":3,\"refresh_token\":\"canary-refresh\"}"
                                    : "{\"error\":\"invalid_grant\"}"))
                    .then();
        });
    }

    private static String field(String form, String name) {
        return new QueryStringDecoder(form, false)
                .parameters()
                .getOrDefault(name, List.of(""))
                .get(0);
    }

    private static String challenge(String verifier) {
        try {
            byte[] hash = MessageDigest.getInstance("SHA-256").digest(verifier.getBytes(StandardCharsets.US_ASCII));
            return Base64.getUrlEncoder().withoutPadding().encodeToString(hash);
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError(e);
        }
    }

    private String direct() {
        return "--client-id public-client --authorize-url " + url(provider) + "/authorize --token-url " + url(provider)
                + "/token --listen http://127.0.0.1:0/auth --browser headless ";
    }

    @Test
    void signsInAndRefreshesWithAVerifierAndWithoutASecret() {
        Run run = Run.of(direct() + "--refreshes 1 --json").succeeds();
        assertThat(run.eventNames()).containsExactly("authorize", "token", "token");
        assertThat(run.out()).doesNotContain("canary");
        assertThat(forms)
                .hasSize(2)
                .allSatisfy(form -> assertThat(form)
                        .startsWith(AUTHORIZATION + "null&")
                        .contains("client_id=public-client")
                        .doesNotContain("client_secret"));
        List<String> requests = List.copyOf(forms);
        assertThat(requests.get(0)).contains("grant_type=authorization_code", "code=canary-code");
        assertThat(requests.get(1)).contains("grant_type=refresh_token", "refresh_token=canary-refresh");
    }

    @Test
    void anUnreachableProviderIsNamedWithItsOption() {
        int port = Servers.freePort();
        Run run = Run.of("--client-id id --token-url " + url(provider) + "/token --authorize-url http://127.0.0.1:"
                        + port + "/authorize --listen http://127.0.0.1:0/auth --browser print")
                .failsWith(6);
        assertThat(run.err()).contains("The provider could not be reached", "is --authorize-url right?");
    }

    @Test
    void aPersonWhoseBrowserIsElsewhereIsToldOfTheProvider() {
        Run run = Run.of(Map.of(), direct().replace("headless", "print") + "--timeout 1s", line -> {})
                .failsWith(4);
        assertThat(run.out()).contains("an error of the provider, that server may not allow the address of --listen");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            --client-id a                                                                             | needs --authorize-url and --token-url
            --client-id a --authorize-url https://a.test                                              | needs --authorize-url and --token-url
            --token-url https://a.test                                                                | --token-url belongs to --client-id
            --client-id a --authorize-url https://a.test --token-url https://a.test --exchange https://b.test | leave out --exchange
            --client-id a --authorize-url https://a.test --token-url https://a.test --dialect form   | leave out --exchange
            --client-id a --authorize-url https://a.test --token-url ftp://a.test                    | --token-url ftp://a.test must start with https://
            --client-id a --authorize-url https://a.test --token-url https://a.test --token-lifetime 5s | demo provider
            """)
    void combinationsThatMakeNoSenseAreNamed(String options, String remedy) {
        Run run = Run.of(options).failsWith(2);
        assertThat(run.err()).contains(remedy);
    }
}
