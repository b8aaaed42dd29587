package io.tokenswap.http;

import static java.util.Objects.requireNonNullElse;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.handler.codec.http.QueryStringDecoder;
import io.tokenswap.AuthorizationCode;
import io.tokenswap.AuthorizationRequest;
import io.tokenswap.AuthorizationResponse;
import io.tokenswap.CodeVerifier;
import io.tokenswap.OAuthErrorException;
import io.tokenswap.RefreshToken;
import io.tokenswap.Token;
import io.tokenswap.internal.Json;
import io.tokenswap.internal.UrlEncoded;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import reactor.core.publisher.Mono;

/**
 * Whole logins through servers that behave as the deployed ones do, in front of a provider that enforces what Spotify
 * enforces.
 */
class DeployedServersTest extends WireFixture {

    private static final URI APP = URI.create("http://localhost:4002/auth");

    /** How the deployed servers differ. All of them drop the code verifier. */
    enum Deployed {
        /** rollersteaam/spotify-token-swap-php: one page, text/html, status 200 also for errors; a denial loses its error. */
        PHP("PHP (`spotify-token-swap-php`)", Dialect.SINGLE_URI, "text/html; charset=UTF-8", true, "ends the login"),
        /** bih/spotify-token-swap-service: wraps the refresh token that it encrypts, and each of its failures. */
        RUBY("Ruby (`spotify-token-swap-service`)", Dialect.FORM, "application/json", false, "ends the login"),
        /** The Node server of Spotify's guide: a lifetime that is a string. */
        NODE("Node (Spotify's guide)", Dialect.FORM, "application/json", false, "ends the login");

        private final String title;
        private final Dialect dialect;
        private final String contentType;
        private final boolean alwaysOk;
        private final String denial;

        Deployed(String title, Dialect dialect, String contentType, boolean alwaysOk, String denial) {
            this.title = title;
            this.dialect = dialect;
            this.contentType = contentType;
            this.alwaysOk = alwaysOk;
            this.denial = denial;
        }

        /** The query with which a denial arrives at the application. */
        String denied(String state) {
            return this == PHP ? "state=" + state : "error=access_denied&state=" + state;
        }
    }

    /** Codes work once, for their redirect URI, and with the verifier of their challenge. Refresh tokens are not rotated. */
    private static final class Provider {

        private record Login(URI redirectUri, @Nullable String challenge) {}

        private final Map<String, Login> codes = new ConcurrentHashMap<>();
        private final AtomicInteger issued = new AtomicInteger();

        String authorize(URI redirectUri, @Nullable String challenge) {
            String code = "canary-code-" + issued.incrementAndGet();
            codes.put(code, new Login(redirectUri, challenge));
            return code;
        }

        Map<String, Object> swap(String code, URI redirectUri, @Nullable String verifier) {
            Login login = codes.remove(code);
            boolean proven = login != null
                    && login.redirectUri().equals(redirectUri)
                    && (login.challenge() == null
                            || (verifier != null
                                    && CodeVerifier.of(verifier).challenge().equals(login.challenge())));
            return proven ? token("canary-refresh") : Map.of("error", "invalid_grant");
        }

        Map<String, Object> refresh(String refreshToken) {
            return refreshToken.equals("canary-refresh") ? token(null) : Map.of("error", "invalid_grant");
        }

        private Map<String, Object> token(@Nullable String refreshToken) {
            Map<String, Object> token = new LinkedHashMap<>();
            token.put("access_token", "canary-access-" + issued.incrementAndGet());
            token.put("token_type", "Bearer");
            token.put("expires_in", "3600");
            if (refreshToken != null) {
                token.put("refresh_token", refreshToken);
            }
            return token;
        }
    }

    private final Provider provider = new Provider();

    /** A deployed server, with the redirect URI that is registered for it. */
    private ExchangeServerEndpoint exchange(Deployed server, URI redirectUri) {
        RecordingServer http = started(RecordingServer.responding((request, response) -> {
            Map<String, String> form = new HashMap<>();
            new QueryStringDecoder(request.body(), false)
                    .parameters()
                    .forEach((name, values) -> form.put(name, values.get(0)));
            Map<String, Object> result = new HashMap<>(
                    requireNonNullElse(form.get("code"), "").isEmpty()
                            ? provider.refresh(unwrap(form.getOrDefault("refresh_token", "")))
                            : provider.swap(form.getOrDefault("code", ""), redirectUri, null));
            if (server == Deployed.RUBY) {
                result.computeIfPresent("refresh_token", (name, value) -> wrap(value.toString()));
            }
            boolean failed = result.containsKey("error") && !server.alwaysOk;
            return response.status(failed ? 400 : 200)
                    .header("Content-Type", server.contentType)
                    .sendByteArray(Mono.just(Json.writeObject(result)));
        }));
        return ExchangeServerEndpoint.builder(http.uri(""))
                .dialect(server.dialect)
                .build();
    }

    private static String wrap(String refreshToken) {
        return refreshToken.substring(0, 6) + "\n" + refreshToken.substring(6) + "\n";
    }

    private static String unwrap(String refreshToken) {
        return refreshToken.replace("\n", "");
    }

    /** The browser's part: the code that the provider issues, in the response that arrives at the application. */
    private AuthorizationCode signIn(AuthorizationRequest login, URI redirectUri, boolean challengeArrives) {
        Map<String, String> query =
                Objects.requireNonNull(UrlEncoded.parseUnique(login.uri().getRawQuery()));
        String code = provider.authorize(redirectUri, challengeArrives ? query.get("code_challenge") : null);
        return login.validate("code=" + code + "&state=" + query.get("state")).orElseThrow();
    }

    private static void refreshThreeTimes(ExchangeServerEndpoint exchange, Token token) {
        RefreshToken refreshToken = Objects.requireNonNull(token.refreshToken());
        for (int i = 0; i < 3; i++) {
            Token next = Objects.requireNonNull(exchange.refresh(refreshToken).block());
            assertThat(next.accessToken()).isNotEqualTo(token.accessToken());
            refreshToken = Objects.requireNonNull(next.refreshToken());
        }
    }

    @ParameterizedTest
    @EnumSource
    void aLoginByTheHopSwapsAndRefreshes(Deployed server) {
        URI callback = URI.create("https://exchange.test/callback");
        ExchangeServerEndpoint exchange = exchange(server, callback);
        AuthorizationRequest login = exchange.authorizationRequest().build(APP);

        // The hop builds its own request, without the challenge.
        AuthorizationCode code = signIn(login, callback, false);

        refreshThreeTimes(exchange, exchange.swap(code).block());
    }

    @ParameterizedTest
    @EnumSource
    void aDenialEndsTheLogin(Deployed server) {
        AuthorizationRequest login =
                exchange(server, APP).authorizationRequest().build(APP);
        String state = UrlEncoded.parseUnique(login.uri().getRawQuery()).get("state");

        assertThat(login.validate(server.denied(state))).isInstanceOf(AuthorizationResponse.Failed.class);
    }

    @ParameterizedTest
    @EnumSource
    @Tag("E52")
    void aDirectLoginWithPkceIsRefusedBecauseTheVerifierIsDropped(Deployed server) {
        ExchangeServerEndpoint exchange = exchange(server, APP);
        AuthorizationRequest login =
                exchange.authorizationRequest().clientId("public-id").build(APP);

        AuthorizationCode code = signIn(login, APP, true);

        assertThatThrownBy(() -> exchange.swap(code).block())
                .isInstanceOf(OAuthErrorException.class)
                .hasMessageContaining("The code was not accepted")
                .hasMessageContaining("verifier");
    }

    @ParameterizedTest
    @EnumSource
    @Tag("E52")
    void aDirectLoginWithoutPkceSwapsAndRefreshes(Deployed server) {
        ExchangeServerEndpoint exchange = exchange(server, APP);
        AuthorizationRequest login = exchange.authorizationRequest()
                .clientId("public-id")
                .unsafeWithoutPkce()
                .build(APP);

        AuthorizationCode code = signIn(login, APP, true);

        refreshThreeTimes(exchange, exchange.swap(code).block());
    }

    @Test
    void theReadmeListsWhatWorksAndNoOtherServer() throws IOException {
        List<String> rows = new ArrayList<>();
        rows.add(
                "| [samples/exchange-server](samples/exchange-server) | all | yes | with PKCE, in `JSON` | ends the login |");
        for (Deployed server : Deployed.values()) {
            rows.add("| " + server.title + " | `" + server.dialect + "` | yes | `unsafeWithoutPkce()` only | "
                    + server.denial + " |");
        }

        assertThat(Files.readAllLines(Path.of("..", "README.md"), StandardCharsets.UTF_8).stream()
                        .dropWhile(line -> !line.startsWith("| server | dialect |"))
                        .takeWhile(line -> line.startsWith("|"))
                        .skip(2))
                .containsExactlyElementsOf(rows);
    }
}
