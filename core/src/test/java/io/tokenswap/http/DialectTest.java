package io.tokenswap.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.tokenswap.AuthorizationCode;
import io.tokenswap.Token;
import java.time.Instant;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import reactor.core.publisher.Mono;

class DialectTest {

    private final RecordingServer server = RecordingServer.responding(200, Samples.TOKEN_RESPONSE);

    @AfterEach
    void stop() {
        server.dispose();
    }

    private ExchangeServerEndpoint endpoint(Dialect dialect) {
        return ExchangeServerEndpoint.builder(server.uri("/base/"))
                .dialect(dialect)
                .clock(() -> Samples.NOW)
                .build();
    }

    @ParameterizedTest(name = "{0} swaps by POST {1} of {2}")
    @CsvSource(delimiter = '|', textBlock = """
            JSON | /base/swap | application/json | {"grant_type":"authorization_code","code":"canary-code+/=&%","redirect_uri":"http://localhost:4002/auth","code_verifier":"canary-verifier-0123456789-0123456789-0123456789"}
            SINGLE_URI    | /base/     | application/x-www-form-urlencoded | grant_type=authorization_code&code=canary-code%2B%2F%3D%26%25&refresh_token=&code_verifier=canary-verifier-0123456789-0123456789-0123456789
            FORM  | /base/swap | application/x-www-form-urlencoded | code=canary-code%2B%2F%3D%26%25&code_verifier=canary-verifier-0123456789-0123456789-0123456789
            """)
    void swapIsSentAsTheDialectWantsIt(Dialect dialect, String uri, String contentType, String body) {
        Token token = endpoint(dialect).swap(Samples.CODE).block();

        assertThat(token.accessToken().secret()).isEqualTo("canary-new");
        RecordingServer.Request request = server.onlyRequest();
        assertThat(request.method()).isEqualTo("POST");
        assertThat(request.uri()).isEqualTo(uri);
        assertThat(request.headers().get("Content-Type")).isEqualTo(contentType);
        assertThat(request.headers().get("Accept")).isEqualTo("application/json");
        assertThat(request.body()).isEqualTo(body);
    }

    @ParameterizedTest(name = "{0} refreshes by POST {1} of {2}")
    @CsvSource(delimiter = '|', textBlock = """
            JSON | /base/refresh | application/json | {"grant_type":"refresh_token","refresh_token":"canary-refresh+/=&%"}
            SINGLE_URI    | /base/        | application/x-www-form-urlencoded | grant_type=refresh_token&code=&refresh_token=canary-refresh%2B%2F%3D%26%25
            FORM  | /base/refresh | application/x-www-form-urlencoded | refresh_token=canary-refresh%2B%2F%3D%26%25
            """)
    void refreshIsSentAsTheDialectWantsIt(Dialect dialect, String uri, String contentType, String body) {
        Token token = endpoint(dialect).refresh(Samples.REFRESH_TOKEN).block();

        assertThat(token.refreshToken().secret()).isEqualTo("canary-rotated");
        RecordingServer.Request request = server.onlyRequest();
        assertThat(request.method()).isEqualTo("POST");
        assertThat(request.uri()).isEqualTo(uri);
        assertThat(request.headers().get("Content-Type")).isEqualTo(contentType);
        assertThat(request.body()).isEqualTo(body);
    }

    @Test
    @Tag("B23")
    void fewerScopesThanBeforeAreWhatTheTokenHas() {
        assertThat(endpoint(Dialect.JSON).refresh(Samples.REFRESH_TOKEN).block().scopes())
                .containsExactly("user-read-private");
    }

    @Test
    @Tag("B25")
    void refreshWithoutNewRefreshTokenKeepsTheOldOne() {
        RecordingServer sparing = RecordingServer.responding(200, "{\"access_token\":\"canary-next\"}");
        try {
            Token token = ExchangeServerEndpoint.create(sparing.uri())
                    .refresh(Samples.REFRESH_TOKEN)
                    .block();

            assertThat(token.accessToken().secret()).isEqualTo("canary-next");
            assertThat(token.refreshToken()).isEqualTo(Samples.TOKEN.refreshToken());
        } finally {
            sparing.dispose();
        }
    }

    @Test
    @Tag("B33")
    void responseInAnotherContentTypeIsRefusedByTheStrictSwitchOnly() {
        RecordingServer php = RecordingServer.responding((request, response) ->
                response.header("Content-Type", "text/html").sendString(Mono.just(Samples.TOKEN_RESPONSE)));
        try {
            assertThat(Outcomes.of(() -> ExchangeServerEndpoint.create(php.uri())
                            .swap(Samples.CODE)
                            .block()))
                    .isEqualTo("TOKEN");
            assertThat(Outcomes.of(() -> ExchangeServerEndpoint.builder(php.uri())
                            .strictResponses()
                            .build()
                            .swap(Samples.CODE)
                            .block()))
                    .isEqualTo("INVALID_RESPONSE");
            assertThat(Outcomes.of(() -> ProviderEndpoint.builder(php.uri(), ClientAuthentication.none("id"))
                            .strictResponses()
                            .build()
                            .swap(Samples.CODE)
                            .block()))
                    .isEqualTo("INVALID_RESPONSE");
        } finally {
            php.dispose();
        }
    }

    @ParameterizedTest
    @EnumSource
    void swapWithoutChallengeCarriesNoVerifier(Dialect dialect) {
        endpoint(dialect)
                .swap(AuthorizationCode.of("code", Samples.REDIRECT, null, Set.of()))
                .block();

        assertThat(server.onlyRequest().body()).doesNotContain("code_verifier");
    }

    @Test
    void tokenIsIssuedWhenTheRequestLeft() {
        Token token = endpoint(Dialect.JSON).swap(Samples.CODE).block();

        assertThat(token.issuedAt()).isEqualTo(Samples.NOW);
        assertThat(token.authorizedAt()).isEqualTo(Samples.NOW);
        assertThat(token.expiresAt()).isEqualTo(Instant.parse("2026-11-23T11:00:00Z"));
    }
}
