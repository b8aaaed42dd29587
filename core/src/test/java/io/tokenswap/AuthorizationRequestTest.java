package io.tokenswap;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.URI;
import java.security.SecureRandom;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class AuthorizationRequestTest {

    private static final URI AUTHORIZE = URI.create("https://auth.example.com/login");
    private static final URI REDIRECT = URI.create("http://localhost:4002/auth");

    private final AuthorizationRequest request =
            AuthorizationRequest.builder(AUTHORIZE).scopes("b", "a").build(REDIRECT);
    private final String state = query(request).get("state").get(0);

    private static Map<String, List<String>> query(AuthorizationRequest request) {
        return QueryString.parse(request.uri().getRawQuery());
    }

    @Nested
    class WhereTheBrowserIsSent {

        @Test
        void pageOfTheExchangeServerGetsNeitherClientIdNorRedirectUri() {
            Map<String, List<String>> query = query(request);

            assertThat(request.uri().toString()).startsWith(AUTHORIZE + "?response_type=code&");
            assertThat(query.keySet())
                    .containsExactlyInAnyOrder(
                            "response_type",
                            "server_uri",
                            "state",
                            "scope",
                            "code_challenge",
                            "code_challenge_method",
                            "show_dialog");
            assertThat(query)
                    .containsEntry("server_uri", List.of(REDIRECT.toString()))
                    .containsEntry("scope", List.of("b a"))
                    .containsEntry("show_dialog", List.of("false"))
                    .containsEntry("code_challenge_method", List.of("S256"));
            assertThat(request.uri().getRawQuery()).contains("scope=b%20a");
        }

        @Test
        void pageOfTheProviderGetsClientIdAndRedirectUri() {
            Map<String, List<String>> query =
                    query(AuthorizationRequest.builder(AUTHORIZE).clientId("me").build(REDIRECT));

            assertThat(query)
                    .containsEntry("client_id", List.of("me"))
                    .containsEntry("redirect_uri", List.of(REDIRECT.toString()))
                    .doesNotContainKeys("server_uri", "scope");
        }

        @Test
        void pageMayHaveAQueryOfItsOwn() {
            URI page = URI.create("https://auth.example.com/index.php?page=login");

            assertThat(AuthorizationRequest.builder(page).build(REDIRECT).uri().toString())
                    .startsWith(page + "&response_type=code&");
        }

        @Test
        void parametersOfTheProviderAreAddedAndOursAreNotReplaced() {
            AuthorizationRequest.Builder builder =
                    AuthorizationRequest.builder(AUTHORIZE).showDialog(true).parameter("prompt", "a b&c");

            assertThat(query(builder.build(REDIRECT)))
                    .containsEntry("prompt", List.of("a b&c"))
                    .containsEntry("show_dialog", List.of("true"));
            assertThatThrownBy(() -> builder.parameter("state", "mine")).isInstanceOf(IllegalArgumentException.class);
        }

        @ParameterizedTest
        @ValueSource(strings = {"/login", "mailto:me@example.com", "https://auth.example.com/#here"})
        void pageThatIsNoPlaceToGoIsRefused(String uri) {
            assertThatThrownBy(() -> AuthorizationRequest.builder(URI.create(uri)))
                    .isInstanceOf(IllegalArgumentException.class);
        }

        @ParameterizedTest
        @ValueSource(strings = {"", "two words"})
        void scopeIsOneWord(String scope) {
            assertThatThrownBy(() -> AuthorizationRequest.builder(AUTHORIZE).scopes(scope))
                    .isInstanceOf(IllegalArgumentException.class);
        }

        @Test
        void a02_stateIs256RandomBitsForOneLoginOnly() {
            Set<String> states = new HashSet<>();
            AuthorizationRequest.Builder builder = AuthorizationRequest.builder(AUTHORIZE);
            for (int i = 0; i < 1_000; i++) {
                String state = query(builder.build(REDIRECT)).get("state").get(0);
                assertThat(state).matches("[A-Za-z0-9_-]{43}");
                states.add(state);
            }
            assertThat(states).hasSize(1_000);
        }

        @Test
        void a02_stateAndVerifierShareNoBits() {
            // A source that counts shows that each takes 32 bytes of its own.
            SecureRandom counting = new SecureRandom() {
                private static final long serialVersionUID = 1L;
                private byte next;

                @Override
                public void nextBytes(byte[] bytes) {
                    for (int i = 0; i < bytes.length; i++) {
                        bytes[i] = next++;
                    }
                }
            };
            AuthorizationRequest counted =
                    AuthorizationRequest.builder(AUTHORIZE).random(counting).build(REDIRECT);

            String state = query(counted).get("state").get(0);
            assertThat(counted.validate("code=c&state=" + state))
                    .isInstanceOfSatisfying(
                            AuthorizationResponse.Granted.class,
                            granted -> assertThat(granted.code().codeVerifier().value())
                                    .isNotEqualTo(state));
        }

        @Test
        void b116_challengeIsThatOfTheVerifierThatTheCodeCarriesAndTheMethodIsS256() {
            AuthorizationResponse.Granted granted =
                    (AuthorizationResponse.Granted) request.validate("code=c&state=" + state);

            assertThat(query(request))
                    .containsEntry("code_challenge_method", List.of("S256"))
                    .containsEntry(
                            "code_challenge",
                            List.of(granted.code().codeVerifier().challenge()));
        }

        @Test
        void b116_everyLoginHasAVerifierOfItsOwn() {
            AuthorizationRequest.Builder builder = AuthorizationRequest.builder(AUTHORIZE);
            Set<List<String>> challenges = new HashSet<>();
            for (int i = 0; i < 100; i++) {
                challenges.add(query(builder.build(REDIRECT)).get("code_challenge"));
            }

            assertThat(challenges).hasSize(100);
        }

        @Test
        void b107_requestAndAnswersPrintNeitherStateNorVerifierNorCode() {
            AuthorizationResponse.Granted granted =
                    (AuthorizationResponse.Granted) request.validate("code=canary&state=" + state);

            String printed = request + " " + granted + " " + request.validate("code=canary&state=canary");
            assertThat(printed)
                    .doesNotContain(state)
                    .doesNotContain("canary")
                    .doesNotContain(granted.code().codeVerifier().value());
        }
    }

    @Nested
    class WhatComesBack {

        private AuthorizationResponse validate(String query) {
            return request.validate(query == null ? null : query.replace("STATE", state));
        }

        @Test
        void a01_rightStateAndACodeIsGranted() {
            AuthorizationResponse response = validate("code=abc&state=STATE");

            assertThat(response).isInstanceOfSatisfying(AuthorizationResponse.Granted.class, granted -> {
                assertThat(granted.code().value()).isEqualTo("abc");
                assertThat(granted.code().redirectUri()).isEqualTo(REDIRECT);
                assertThat(granted.code().scopes()).containsExactlyInAnyOrder("a", "b");
            });
        }

        @ParameterizedTest(name = "{0}: {1} is ignored")
        @CsvSource(delimiter = '|', textBlock = """
            A03 | code=abc&state=wrong
            A03 | code=abc&state=STATEx
            A03 | code=abc&state=xSTATE
            A04 | code=abc
            A04 |
            A04 | ''
            A05 | code=abc&state=
            A05 | code=abc&state
            A06 | code=abc&state=STATE%20
            A06 | code=abc&state=+STATE
            A06 | code=abc&State=STATE
            A07 | code=abc&state=STATE&state=STATE
            A07 | code=abc&state=STATE&state=wrong
            A07 | code=abc&state=wrong&state=STATE
            A07 | code=abc&state=STATE&%73tate=STATE
            A08 | code=abc&code=abc&state=STATE
            A08 | code=abc&code=&state=STATE
            A09 | error=a&error=b&state=STATE
            A09 | error=a&error_description=b&error_description=c&state=STATE
            A09 | code=abc&iss=a&iss=b&state=STATE
            A11 | error=access_denied
            A11 | error=access_denied&state=wrong
            A13 | state=STATE
            A14 | code=&state=STATE
            A14 | code&state=STATE
            A21 | code=%zz&state=STATE
            A21 | code=abc&state=STATE&other=%
            A21 | code=%C0%AF&state=STATE
            A22 | code=a%00b&state=STATE
            A22 | code=a%0Ab&state=STATE
            A23 | code=abc;state=STATE
            A24 | access_token=abc&state=STATE
            A24 | code=abc&access_token=abc&state=STATE
            """)
        void hitThatIsNotTheAnswerIsIgnored(String id, String query) {
            assertThat(validate(query))
                    .isInstanceOfSatisfying(
                            AuthorizationResponse.Ignored.class,
                            ignored -> assertThat(ignored.reason())
                                    .doesNotContain("abc")
                                    .doesNotContain(state));
        }

        @Test
        void a06_stateOfAnotherCaseOrEscapedTwiceIsIgnored() {
            String otherCase = state.chars().anyMatch(Character::isLowerCase)
                    ? state.toUpperCase(Locale.ROOT)
                    : state.toLowerCase(Locale.ROOT);
            String twice = "%25" + Integer.toHexString(state.charAt(0)) + state.substring(1);
            String once = "%" + Integer.toHexString(state.charAt(0)) + state.substring(1);

            assertThat(validate("code=abc&state=" + otherCase)).isInstanceOf(AuthorizationResponse.Ignored.class);
            assertThat(validate("code=abc&state=" + twice)).isInstanceOf(AuthorizationResponse.Ignored.class);
            assertThat(validate("code=abc&state=" + once)).isInstanceOf(AuthorizationResponse.Granted.class);
        }

        @ParameterizedTest(name = "{0}: {1} is granted")
        @CsvSource(delimiter = '|', textBlock = """
            A09 | code=abc&state=STATE&x=1&x=2
            A15 | code=abc&state=STATE&session_state=5&utm=1
            A15 | &code=abc&&state=STATE&
            A16 | code=abc&state=STATE&iss=anybody
            """)
        void whatElseIsInTheHitDoesNotMatter(String id, String query) {
            assertThat(validate(query)).isInstanceOf(AuthorizationResponse.Granted.class);
        }

        @Test
        void a10_denialEndsTheLogin() {
            AuthorizationFailedException error = failure("error=access_denied&state=STATE");

            assertThat(error.denied()).isTrue();
            assertThat(error.error()).isEqualTo("access_denied");
            assertThat(error).hasMessageContaining("Sign in again");
        }

        @ParameterizedTest(name = "A10: {0} ends in: {1}")
        @CsvSource({
            "access_denied, Sign in again to allow it.",
            "server_error, Try again later.",
            "temporarily_unavailable, Try again later.",
            "invalid_scope, Sign in again."
        })
        void errorSaysWhatToDo(String error, String remedy) {
            assertThat(failure("error=" + error + "&error_description=why&state=STATE")
                            .getMessage())
                    .endsWith(" (\"why\"). " + remedy);
        }

        @Test
        void a12_codeBesideAnErrorIsThrownAway() {
            AuthorizationFailedException error = failure("code=canary&error=access_denied&state=STATE");

            assertThat(error.error()).isNull();
            assertThat(error).hasMessageNotContaining("canary");
        }

        @ParameterizedTest(name = "A16: {0}")
        @ValueSource(strings = {"code=abc&state=STATE", "code=abc&state=STATE&iss=https://evil.example"})
        void answerOfAnotherIssuerEndsTheLogin(String query) {
            AuthorizationRequest strict = AuthorizationRequest.builder(AUTHORIZE)
                    .issuer("https://id.example.com")
                    .build(REDIRECT);
            String state = query(strict).get("state").get(0);

            assertThat(strict.validate(query.replace("STATE", state))).isInstanceOf(AuthorizationResponse.Failed.class);
            assertThat(strict.validate("code=abc&state=" + state + "&iss=https%3A%2F%2Fid.example.com"))
                    .isInstanceOf(AuthorizationResponse.Granted.class);
            assertThat(strict.validate("code=abc&state=wrong&iss=https://evil.example"))
                    .isInstanceOf(AuthorizationResponse.Ignored.class);
        }

        @Test
        void a17_descriptionIsReducedToWhatTheRfcAllows() {
            String hostile = QueryString.encode("<b>\u001b[31m\"\\\u202e" + "x".repeat(100_000))
                    .replace("%1B", "");

            AuthorizationFailedException error =
                    failure("error=server_error&error_description=" + hostile + "&state=STATE");

            assertThat(error.getMessage())
                    .hasSizeLessThan(400)
                    .matches("[ -~]*")
                    .doesNotContain("\\");
        }

        @ParameterizedTest(name = "A18: {0} is reported as invalid_error")
        @ValueSource(strings = {"caf%C3%A9", "a%22b", "a%5Cb", ""})
        void errorOutsideTheCharacterSetIsReportedAsSuch(String error) {
            assertThat(failure("error=" + error + "&state=STATE").error()).isEqualTo("invalid_error");
        }

        @Test
        void a19_codeAndStateHaveALongestForm() {
            assertThat(validate("code=" + "c".repeat(4096) + "&state=STATE"))
                    .isInstanceOf(AuthorizationResponse.Granted.class);
            assertThat(validate("code=" + "c".repeat(4097) + "&state=STATE"))
                    .isInstanceOf(AuthorizationResponse.Ignored.class);
            assertThat(validate("code=abc&state=" + "s".repeat(1025)))
                    .isInstanceOf(AuthorizationResponse.Ignored.class);
        }

        @Test
        void a20_codeArrivesByteForByte() {
            AuthorizationResponse response = validate("code=a%2Bb%20c+d%C3%A9%2F%3D&state=STATE");

            assertThat(((AuthorizationResponse.Granted) response).code().value())
                    .isEqualTo("a+b c d\u00e9/=");
        }

        @Test
        void aCodeWithoutItsStateHasTheVerifierOfTheLogin() {
            CodeVerifier verifier = ((AuthorizationResponse.Granted) validate("code=abc&state=STATE"))
                    .code()
                    .codeVerifier();

            AuthorizationCode code = request.codeWithoutState("typed");

            assertThat(code.value()).isEqualTo("typed");
            assertThat(code.redirectUri()).isEqualTo(request.redirectUri());
            assertThat(code.codeVerifier()).isNotNull().isSameAs(verifier);
        }

        @Test
        void judgingTwiceGivesTheSameAnswer() {
            validate("code=wrong&state=wrong");
            validate("code=abc&state=STATE");

            assertThat(validate("code=abc&state=STATE")).isInstanceOf(AuthorizationResponse.Granted.class);
        }

        private AuthorizationFailedException failure(String query) {
            return ((AuthorizationResponse.Failed) validate(query)).error();
        }
    }
}
