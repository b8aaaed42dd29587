package io.tokenswap.samples.exchange;

import static org.assertj.core.api.Assertions.assertThat;

import io.tokenswap.AuthorizationCode;
import io.tokenswap.CodeVerifier;
import io.tokenswap.http.ExchangeServerEndpoint;
import java.net.URI;
import java.util.Map;
import org.junit.jupiter.api.Test;
import reactor.test.StepVerifier;

/** An exchange server in the test of an application, configured as in production. */
class ApiProgramTest {

    @Test
    void anApplicationSwapsACodeInItsOwnTest() {
        try (FakeProvider provider = new FakeProvider()) {
            ExchangeTest.swapsACode(provider.uri("").toString());

            assertThat(provider.asked)
                    .singleElement()
                    .satisfies(asked -> assertThat(asked.form())
                            .containsEntry("code", "c")
                            .containsEntry("redirect_uri", "http://localhost:4002/auth")
                            .containsKey("code_verifier"));
        }
    }

    /** The program as an application writes it. The code comes from the double, and not from a login at this server. */
    static class ExchangeTest {
        static void swapsACode(String provider) { // base URL of the provider's double
            Map<String, String> variables = Map.of(
                    "PORT",
                    "0",
                    "CLIENT_ID",
                    "id",
                    "CLIENT_SECRET",
                    "secret-of-this-test",
                    "PROVIDER_AUTHORIZE_URL",
                    provider + "/authorize",
                    "PROVIDER_TOKEN_URL",
                    provider + "/token",
                    "DIRECT_REDIRECT_URIS",
                    "http://localhost:4002/auth");
            try (ExchangeServer exchange =
                    ExchangeServer.start(ExchangeServerConfig.from(variables)).block()) {
                AuthorizationCode code =
                        AuthorizationCode.of("c", URI.create("http://localhost:4002/auth"), CodeVerifier.create());
                StepVerifier.create(ExchangeServerEndpoint.create(exchange.uri().toString())
                                .swap(code))
                        .expectNextCount(1)
                        .verifyComplete();
            }
        }
    }
}
