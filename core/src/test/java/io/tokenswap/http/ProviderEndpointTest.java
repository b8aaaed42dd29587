package io.tokenswap.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tokenswap.RequestRejectedException;
import io.tokenswap.Token;
import io.tokenswap.TokenEndpoint;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

class ProviderEndpointTest {

    private final RecordingServer provider = RecordingServer.responding(200, Samples.TOKEN_RESPONSE);

    @AfterEach
    void stop() {
        provider.dispose();
    }

    private ProviderEndpoint endpoint(ClientAuthentication authentication) {
        return ProviderEndpoint.builder(provider.uri("/api/token"), authentication)
                .clock(() -> Samples.NOW)
                .build();
    }

    @Test
    void swapIsTheRequestOfTheRfc() {
        endpoint(ClientAuthentication.none("id")).swap(Samples.CODE).block();

        RecordingServer.Request request = provider.onlyRequest();
        assertThat(request.method() + " " + request.uri()).isEqualTo("POST /api/token");
        assertThat(request.headers().get("Content-Type")).isEqualTo("application/x-www-form-urlencoded");
        assertThat(request.headers().get("Authorization")).isNull();
        assertThat(request.body())
                .isEqualTo("grant_type=authorization_code&code=canary-code%2B%2F%3D%26%25"
                        + "&redirect_uri=http%3A%2F%2Flocalhost%3A4002%2Fauth"
                        + "&code_verifier=canary-verifier-0123456789-0123456789-0123456789&client_id=id");
    }

    @Test
    void refreshIsTheRequestOfTheRfc() {
        endpoint(ClientAuthentication.none("id")).refresh(Samples.REFRESH_TOKEN).block();

        assertThat(provider.onlyRequest().body())
                .isEqualTo("grant_type=refresh_token&refresh_token=canary-refresh%2B%2F%3D%26%25&client_id=id");
    }

    @Test
    void basicAuthenticationEncodesIdAndSecretFirst() {
        endpoint(ClientAuthentication.basic("me:and you", "canary+/%\u00e9"))
                .refresh(Samples.REFRESH_TOKEN)
                .block();

        String header = provider.onlyRequest().headers().get("Authorization");
        assertThat(header).startsWith("Basic ");
        assertThat(new String(Base64.getDecoder().decode(header.substring(6)), StandardCharsets.US_ASCII))
                .isEqualTo("me%3Aand+you:canary%2B%2F%25%C3%A9");
        assertThat(provider.onlyRequest().body()).doesNotContain("client_");
    }

    @Test
    void postAuthenticationPutsBothIntoTheBody() {
        endpoint(ClientAuthentication.post("me", "canary&"))
                .refresh(Samples.REFRESH_TOKEN)
                .block();

        assertThat(provider.onlyRequest().body()).endsWith("&client_id=me&client_secret=canary%26");
        assertThat(provider.onlyRequest().headers().get("Authorization")).isNull();
    }

    @Test
    void secretIsAskedForAtEachRequest() {
        Iterator<String> secrets = List.of("monday", "tuesday").iterator();
        TokenEndpoint endpoint = endpoint(ClientAuthentication.post("me", secrets::next));

        endpoint.refresh(Samples.REFRESH_TOKEN).block();
        endpoint.refresh(Samples.REFRESH_TOKEN).block();

        assertThat(provider.requests().get(0).body()).endsWith("client_secret=monday");
        assertThat(provider.requests().get(1).body()).endsWith("client_secret=tuesday");
    }

    @Test
    @Tag("B107")
    void authenticationPrintsNoSecret() {
        assertThat(List.of(
                        ClientAuthentication.basic("me", "canary"),
                        ClientAuthentication.post("me", "canary"),
                        ClientAuthentication.none("me"),
                        endpoint(ClientAuthentication.basic("me", "canary"))))
                .asString()
                .contains("ClientAuthentication[basic, me]", "ClientAuthentication[post, me]")
                .doesNotContain("canary");
    }

    @Test
    @Tag("B25")
    void refreshWithoutNewRefreshTokenKeepsTheOldOne() {
        try (var server = new Closing(RecordingServer.responding(200, "{\"access_token\":\"next\"}"))) {
            Token token = ProviderEndpoint.builder(server.server().uri(), ClientAuthentication.none("id"))
                    .clock(() -> Samples.NOW)
                    .build()
                    .refresh(Samples.REFRESH_TOKEN)
                    .block();

            assertThat(token.accessToken().secret()).isEqualTo("next");
            assertThat(token.refreshToken()).isEqualTo(Samples.TOKEN.refreshToken());
            assertThat(token.scopes()).isEmpty();
            assertThat(token.issuedAt()).isEqualTo(Samples.NOW);
            assertThat(token.expiresAt()).isNull();
        }
    }

    @Test
    @Tag("B23")
    void fewerScopesThanBeforeAreWhatTheTokenHas() {
        assertThat(endpoint(ClientAuthentication.none("id"))
                        .refresh(Samples.REFRESH_TOKEN)
                        .block()
                        .scopes())
                .isEqualTo(Set.of("user-read-private"));
    }

    @Test
    void refusalOfTheProviderHasNoHintAtDialects() {
        try (var server = new Closing(RecordingServer.responding(404, ""))) {
            assertThatThrownBy(() -> ProviderEndpoint.create(
                                    server.server().uri("/api/token"), ClientAuthentication.none("id"))
                            .refresh(Samples.REFRESH_TOKEN)
                            .block())
                    .isInstanceOf(RequestRejectedException.class)
                    .hasMessage("The provider at " + server.server().uri("/api/token")
                            + " refused the request with status 404. Nothing is served there: check the URL.");
        }
    }

    private record Closing(RecordingServer server) implements AutoCloseable {
        @Override
        public void close() {
            server.dispose();
        }
    }
}
