package io.tokenswap.samples.provider;

import static io.tokenswap.samples.provider.TestApplication.json;
import static org.assertj.core.api.Assertions.assertThat;

import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.Base64;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import tools.jackson.databind.JsonNode;

/** Validity of codes, access tokens and refresh tokens, at a provider that approves by itself. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class TokensTest {

    private static final String VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

    private final MovableClock clock = new MovableClock();
    private DemoProvider provider;
    private TestApplication application;

    @BeforeAll
    void start() {
        provider = TestApplication.provider()
                .autoApprove(true)
                .accessTokenLifetime(Duration.ofSeconds(2))
                .clock(clock)
                .start();
        application = new TestApplication(provider);
    }

    @AfterAll
    void stop() {
        provider.close();
    }

    @Nested
    class Swap {

        @Test
        void givesABearerTokenWithItsLifetimeScopesAndARefreshToken() throws Exception {
            HttpResponse<String> response = application.swap(application.code(Map.of()), Map.of());

            assertThat(response.statusCode()).isEqualTo(200);
            assertThat(response.headers().firstValue("Content-Type"))
                    .hasValueSatisfying(type -> assertThat(type).startsWith("application/json"));
            JsonNode token = json(response);
            assertThat(token.path("access_token").asString()).isNotBlank();
            assertThat(token.path("refresh_token").asString()).isNotBlank();
            assertThat(token.path("token_type").asString()).isEqualTo("Bearer");
            assertThat(token.path("expires_in").isNumber()).isTrue();
            assertThat(token.path("expires_in").asInt()).isEqualTo(2);
            assertThat(token.path("scope").asString().split(" "))
                    .containsExactlyInAnyOrder("user-read-private", "user-read-email");
        }

        @Test
        void acceptsTheVerifierOfTheChallenge() throws Exception {
            String code = application.code(challenge());

            assertThat(application.swap(code, Map.of("code_verifier", VERIFIER)).statusCode())
                    .isEqualTo(200);
        }

        @Test
        void refusesAnotherVerifierAndAMissingOne() throws Exception {
            String code = application.code(challenge());

            assertRefused(application.swap(code, Map.of("code_verifier", "x".repeat(43))), 400, "invalid_grant");
            assertRefused(application.swap(code, Map.of()), 400, "invalid_grant");
        }

        @Test
        void refusesAnotherSecret() throws Exception {
            String code = application.code(Map.of());

            assertRefused(new TestApplication(provider, "guess").swap(code, Map.of()), 401, "invalid_client");
        }

        @Test
        void refusesAnotherRedirectUri() throws Exception {
            String code = application.code(Map.of());

            assertRefused(
                    application.swap(code, Map.of("redirect_uri", "http://127.0.0.1:2/callback")),
                    400,
                    "invalid_grant");
        }

        @Test
        void takesACodeOnceAndRevokesWhatItGaveWhenItComesBack() throws Exception {
            String code = application.code(Map.of());
            JsonNode token = json(application.swap(code, Map.of()));

            assertRefused(application.swap(code, Map.of()), 400, "invalid_grant");
            assertThat(application.me(token.path("access_token").asString()).statusCode())
                    .isEqualTo(401);
        }

        private Map<String, String> challenge() throws Exception {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(VERIFIER.getBytes(StandardCharsets.US_ASCII));
            return Map.of(
                    "code_challenge",
                    Base64.getUrlEncoder().withoutPadding().encodeToString(digest),
                    "code_challenge_method",
                    "S256");
        }
    }

    @Nested
    class Refresh {

        @Test
        void replacesTheRefreshTokenAndRefusesTheOldOne() throws Exception {
            String first = application.login().path("refresh_token").asString();

            JsonNode second = json(application.refresh(first));

            assertThat(second.path("refresh_token").asString()).isNotBlank().isNotEqualTo(first);
            assertRefused(application.refresh(first), 400, "invalid_grant");
            assertThat(application
                            .refresh(second.path("refresh_token").asString())
                            .statusCode())
                    .isEqualTo(200);
        }

        @Test
        void leavesTheEarlierAccessTokenGoodUntilItExpires() throws Exception {
            JsonNode first = application.login();

            application.refresh(first.path("refresh_token").asString());

            assertThat(application.me(first.path("access_token").asString()).statusCode())
                    .isEqualTo(200);
        }

        @Test
        void succeedsForOneOfManyThatBringTheSameTokenAtOnce() throws Exception {
            String token = application.login().path("refresh_token").asString();
            ExecutorService threads = Executors.newFixedThreadPool(8);
            try {
                var all = threads.invokeAll(IntStream.range(0, 8)
                        .<java.util.concurrent.Callable<Integer>>mapToObj(
                                i -> () -> application.refresh(token).statusCode())
                        .toList());

                assertThat(all).extracting(Future::get).containsOnlyOnce(200).contains(400);
            } finally {
                threads.shutdownNow();
            }
        }

        @Test
        void keepsTheRefreshTokenWhereRotationIsOff() throws Exception {
            try (DemoProvider keeping = TestApplication.provider()
                    .autoApprove(true)
                    .rotateRefreshTokens(false)
                    .start()) {
                TestApplication other = new TestApplication(keeping);
                String first = other.login().path("refresh_token").asString();

                JsonNode refreshed = json(other.refresh(first));
                assertThat(refreshed.path("access_token").asString()).isNotBlank();
                assertThat(refreshed.has("refresh_token")).isFalse();
                assertThat(other.refresh(first).statusCode()).isEqualTo(200);
            }
        }

        @Test
        void ofAReplacedTokenEndsTheGrantWhereReuseIsDetected() throws Exception {
            try (DemoProvider strict = TestApplication.provider()
                    .autoApprove(true)
                    .detectReuse(true)
                    .start()) {
                TestApplication other = new TestApplication(strict);
                String first = other.login().path("refresh_token").asString();
                JsonNode refreshed = json(other.refresh(first));
                JsonNode another = other.login();

                assertRefused(other.refresh(first), 400, "invalid_grant");

                assertRefused(other.refresh(refreshed.path("refresh_token").asString()), 400, "invalid_grant");
                assertThat(other.me(refreshed.path("access_token").asString()).statusCode())
                        .isEqualTo(401);
                assertThat(other.refresh(another.path("refresh_token").asString())
                                .statusCode())
                        .isEqualTo(200);
            }
        }

        @Test
        void isRefusedAfterTheGrantWasRevoked() throws Exception {
            JsonNode token = application.login();
            JsonNode another = application.login();

            assertThat(provider.revoke(token.path("refresh_token").asString())).isTrue();

            assertRefused(application.refresh(token.path("refresh_token").asString()), 400, "invalid_grant");
            assertThat(application.me(token.path("access_token").asString()).statusCode())
                    .isEqualTo(401);
            assertThat(application.me(another.path("access_token").asString()).statusCode())
                    .isEqualTo(200);
            assertThat(provider.revoke("unknown")).isFalse();
        }

        @Test
        void isRefusedAfterAllGrantsWereRevoked() throws Exception {
            JsonNode token = application.login();

            provider.revokeAll();

            assertRefused(application.refresh(token.path("refresh_token").asString()), 400, "invalid_grant");
            assertThat(application.me(token.path("access_token").asString()).statusCode())
                    .isEqualTo(401);
        }
    }

    @Nested
    class Me {

        @Test
        void showsTheDemoUser() throws Exception {
            HttpResponse<String> response =
                    application.me(application.login().path("access_token").asString());

            assertThat(response.statusCode()).isEqualTo(200);
            JsonNode me = json(response);
            assertThat(me.path("id").asString()).isEqualTo("demo");
            assertThat(me.path("display_name").asString()).isEqualTo("Demo User");
            assertThat(me.path("email").asString()).isEqualTo("demo@example.com");
        }

        @Test
        void hidesTheAddressWithoutItsScope() throws Exception {
            JsonNode token = json(application.swap(application.code(Map.of("scope", "user-read-private")), Map.of()));

            JsonNode me = json(application.me(token.path("access_token").asString()));

            assertThat(me.has("id")).isTrue();
            assertThat(me.has("email")).isFalse();
        }

        @Test
        void refusesATokenWithoutTheScope() throws Exception {
            JsonNode token = json(application.swap(application.code(Map.of("scope", "")), Map.of()));

            HttpResponse<String> response =
                    application.me(token.path("access_token").asString());

            assertThat(response.statusCode()).isEqualTo(403);
            assertThat(response.headers().firstValue("WWW-Authenticate"))
                    .hasValueSatisfying(
                            challenge -> assertThat(challenge).startsWith("Bearer error=\"insufficient_scope\""));
        }

        @Test
        void refusesATokenFromTheMomentItExpires() throws Exception {
            String token = application.login().path("access_token").asString();

            clock.advance(Duration.ofSeconds(2).minusNanos(1));
            assertThat(application.me(token).statusCode()).isEqualTo(200);
            clock.advance(Duration.ofNanos(1));
            HttpResponse<String> response = application.me(token);

            assertThat(response.statusCode()).isEqualTo(401);
            assertThat(response.headers().firstValue("WWW-Authenticate"))
                    .hasValueSatisfying(
                            challenge -> assertThat(challenge).startsWith("Bearer error=\"invalid_token\""));
            assertThat(json(response).path("error").path("status").asInt()).isEqualTo(401);
        }

        @Test
        void refusesAnInventedToken() throws Exception {
            assertThat(application.me("invented").statusCode()).isEqualTo(401);
        }
    }

    private static void assertRefused(HttpResponse<String> response, int status, String error) {
        assertThat(response.statusCode()).isEqualTo(status);
        assertThat(json(response).path("error").asString()).isEqualTo(error);
    }
}
