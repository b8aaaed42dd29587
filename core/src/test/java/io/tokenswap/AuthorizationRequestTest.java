package io.tokenswap;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tokenswap.internal.UrlEncoded;
import java.net.URI;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;
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
        return UrlEncoded.parse(request.uri().getRawQuery());
    }

    @Nested
    class WhereTheBrowserIsSent {

        @Test
        void pageOfTheExchangeServerGetsNeitherClientIdNorRedirectUri() {
            Map<String, List<String>> query = query(request);

            assertThat(request.uri().toString()).startsWith(AUTHORIZE + "?response_type=code&");
            assertThat(query.keySet())
                    .containsExactlyInAnyOrder(
                            "response_type", "server_uri", "state", "scope", "code_challenge", "code_challenge_method");
            assertThat(query)
                    .containsEntry("server_uri", List.of(REDIRECT.toString()))
                    .containsEntry("scope", List.of("b a"))
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
        void pageMayHaveItsOwnQuery() {
            URI page = URI.create("https://auth.example.com/index.php?page=login");

            assertThat(AuthorizationRequest.builder(page).build(REDIRECT).uri().toString())
                    .startsWith(page + "&response_type=code&");
        }

        @ParameterizedTest
        @CsvSource({
            "https://auth.example.com/index.php?, https://auth.example.com/index.php?response_type=code&",
            "https://auth.example.com/index.php?page=login&, https://auth.example.com/index.php?page=login&response_type=code&",
            "https://auth.example.com?page=login, https://auth.example.com?page=login&response_type=code&",
            "https://auth.example.com, https://auth.example.com/?response_type=code&"
        })
        void queryIsNotSeparatedTwice(URI page, String start) {
            assertThat(AuthorizationRequest.builder(page).build(REDIRECT).uri().toString())
                    .startsWith(start);
        }

        @Test
        void parametersOfTheProviderAreAddedAndOursAreNotReplaced() {
            AuthorizationRequest.Builder builder =
                    AuthorizationRequest.builder(AUTHORIZE).parameter("prompt", "a b&c");

            assertThat(query(builder.build(REDIRECT))).containsEntry("prompt", List.of("a b&c"));
            assertThatThrownBy(() -> builder.parameter("state", "mine")).isInstanceOf(IllegalArgumentException.class);
        }

        @Test
        @Tag("E41")
        void theConsentPageOfSpotifyIsAskedForOnlyWhenTheApplicationWantsIt() {
            AuthorizationRequest.Builder builder = AuthorizationRequest.builder(AUTHORIZE);

            assertThat(query(builder.build(REDIRECT))).doesNotContainKey("show_dialog");
            assertThat(query(builder.showDialog().build(REDIRECT))).containsEntry("show_dialog", List.of("true"));
        }

        @ParameterizedTest
        @ValueSource(strings = {"/login", "mailto:me@example.com", "https://auth.example.com/#here"})
        void pageThatIsNoPlaceToGoIsRefused(String uri) {
            assertThatThrownBy(() -> AuthorizationRequest.builder(URI.create(uri)))
                    .isInstanceOf(IllegalArgumentException.class);
        }

        @ParameterizedTest
        @ValueSource(strings = {"", "two words", " leading"})
        void scopeIsOneWord(String scope) {
            assertThatThrownBy(() -> AuthorizationRequest.builder(AUTHORIZE).scopes(scope))
                    .isInstanceOf(IllegalArgumentException.class);
        }

        @Test
        @Tag("A02")
        void stateIs256RandomBitsForOneLoginOnly() {
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
        @Tag("A02")
        void stateAndVerifierShareNoBits() {
            Set<String> secrets = new HashSet<>();
            for (int i = 0; i < 100; i++) {
                AuthorizationRequest login =
                        AuthorizationRequest.builder(AUTHORIZE).build(REDIRECT);
                String state = query(login).get("state").get(0);
                secrets.add(state.substring(0, 8));
                secrets.add(login.unsafeCodeWithoutState("c")
                        .codeVerifier()
                        .secret()
                        .substring(0, 8));
            }

            assertThat(secrets).as("beginnings of states and verifiers").hasSize(200);
        }

        @Test
        @Tag("E52")
        void withoutPkceNeitherChallengeNorVerifierIsSentAndTheDefaultHasBoth() {
            AuthorizationRequest bare = AuthorizationRequest.builder(AUTHORIZE)
                    .clientId("me")
                    .unsafeWithoutPkce()
                    .build(REDIRECT);
            String bareState = query(bare).get("state").get(0);

            assertThat(query(bare)).doesNotContainKeys("code_challenge", "code_challenge_method");
            assertThat(bare.validate("code=abc&state=" + bareState)
                            .orElseThrow()
                            .codeVerifier())
                    .isNull();
            assertThat(query(request)).containsKeys("code_challenge", "code_challenge_method");
            assertThat(request.validate("code=abc&state=" + state).orElseThrow().codeVerifier())
                    .isNotNull();
        }

        @Test
        @Tag("B116")
        void challengeIsThatOfTheVerifierThatTheCodeCarriesAndTheMethodIsS256() {
            AuthorizationResponse.Granted granted =
                    (AuthorizationResponse.Granted) request.validate("code=c&state=" + state);

            assertThat(query(request))
                    .containsEntry("code_challenge_method", List.of("S256"))
                    .containsEntry(
                            "code_challenge",
                            List.of(granted.code().codeVerifier().challenge()));
        }

        @Test
        @Tag("B116")
        void everyLoginHasItsOwnVerifier() {
            AuthorizationRequest.Builder builder = AuthorizationRequest.builder(AUTHORIZE);
            Set<List<String>> challenges = new HashSet<>();
            for (int i = 0; i < 100; i++) {
                challenges.add(query(builder.build(REDIRECT)).get("code_challenge"));
            }

            assertThat(challenges).hasSize(100);
        }

        @Test
        @Tag("B107")
        void requestAndResponsesPrintNeitherStateNorVerifierNorCode() {
            AuthorizationResponse.Granted granted =
                    (AuthorizationResponse.Granted) request.validate("code=canary&state=" + state);

            String printed = request + " " + granted + " " + request.validate("code=canary&state=canary");
            assertThat(printed)
                    .doesNotContain(state)
                    .doesNotContain("canary")
                    .doesNotContain(granted.code().codeVerifier().secret());
        }
    }

    @Nested
    class WhatComesBack {

        private AuthorizationResponse validate(String query) {
            return request.validate(query == null ? null : query.replace("STATE", state));
        }

        @Test
        @Tag("A01")
        void rightStateAndACodeIsGranted() {
            AuthorizationResponse response = validate("code=abc&state=STATE");

            assertThat(response).isInstanceOfSatisfying(AuthorizationResponse.Granted.class, granted -> {
                assertThat(granted.code().secret()).isEqualTo("abc");
                assertThat(granted.code().redirectUri()).isEqualTo(REDIRECT);
                assertThat(granted.code().scopes()).containsExactlyInAnyOrder("a", "b");
            });
        }

        @ParameterizedTest(name = "[{index}] {0}")
        @Tag("A03")
        @Tag("A04")
        @Tag("A05")
        @Tag("A06")
        @Tag("A07")
        @Tag("A08")
        @Tag("A09")
        @Tag("A11")
        @Tag("A21")
        @Tag("A22")
        @Tag("A23")
        @Tag("A24")
        @CsvSource(delimiter = '|', nullValues = "NULL", textBlock = """
            code=abc&state=wrong
            code=abc&state=STATEx
            code=abc&state=xSTATE
            code=abc
            NULL
            ''
            code=abc&state=
            code=abc&state
            code=abc&state=STATE%20
            code=abc&state=+STATE
            code=abc&State=STATE
            code=abc&state=STATE&state=STATE
            code=abc&state=STATE&state=wrong
            code=abc&state=wrong&state=STATE
            code=abc&state=STATE&%73tate=STATE
            code=abc&code=abc&state=STATE
            code=abc&code=&state=STATE
            error=a&error=b&state=STATE
            error=a&error_description=b&error_description=c&state=STATE
            code=abc&iss=a&iss=b&state=STATE
            error=access_denied
            error=access_denied&state=wrong
            code=%zz&state=STATE
            code=abc&state=STATE&other=%
            code=%C0%AF&state=STATE
            code=a%00b&state=STATE
            code=a%0Ab&state=STATE
            code=abc;state=STATE
            access_token=abc&state=STATE
            code=abc&access_token=abc&state=STATE
            """)
        void requestThatIsNotTheResponseIsIgnored(String query) {
            assertThat(validate(query))
                    .isInstanceOfSatisfying(
                            AuthorizationResponse.Ignored.class,
                            ignored -> assertThat(ignored.reason())
                                    .doesNotContain("abc")
                                    .doesNotContain(state));
        }

        @Test
        @Tag("A06")
        void stateOfAnotherCaseOrEscapedTwiceIsIgnored() {
            String otherCase = state.chars().anyMatch(Character::isLowerCase)
                    ? state.toUpperCase(Locale.ROOT)
                    : state.toLowerCase(Locale.ROOT);
            String twice = "%25" + Integer.toHexString(state.charAt(0)) + state.substring(1);
            String once = "%" + Integer.toHexString(state.charAt(0)) + state.substring(1);

            assertThat(validate("code=abc&state=" + otherCase)).isInstanceOf(AuthorizationResponse.Ignored.class);
            assertThat(validate("code=abc&state=" + twice)).isInstanceOf(AuthorizationResponse.Ignored.class);
            assertThat(validate("code=abc&state=" + once)).isInstanceOf(AuthorizationResponse.Granted.class);
        }

        @ParameterizedTest(name = "[{index}] {0}")
        @Tag("A09")
        @Tag("A15")
        @Tag("A16")
        @CsvSource(delimiter = '|', nullValues = "NULL", textBlock = """
            code=abc&state=STATE&x=1&x=2
            code=abc&state=STATE&session_state=5&utm=1
            &code=abc&&state=STATE&
            code=abc&state=STATE&iss=anybody
            """)
        void whatElseIsInTheHitDoesNotMatter(String query) {
            assertThat(validate(query)).isInstanceOf(AuthorizationResponse.Granted.class);
        }

        @Test
        @Tag("A10")
        void denialEndsTheLogin() {
            AuthorizationFailedException error = failure("error=access_denied&state=STATE");

            assertThat(error.denied()).isTrue();
            assertThat(error.error()).isEqualTo("access_denied");
            assertThat(error).hasMessageContaining("Sign in again");
        }

        @ParameterizedTest(name = "{0} ends in: {1}")
        @Tag("A10")
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
        @Tag("A12")
        void codeBesideAnErrorIsThrownAway() {
            AuthorizationFailedException error = failure("code=canary&error=access_denied&state=STATE");

            assertThat(error.error()).isNull();
            assertThat(error).hasMessageNotContaining("canary");
        }

        @ParameterizedTest(name = "[{index}] {0}")
        @Tag("A16")
        @ValueSource(strings = {"code=abc&state=STATE", "code=abc&state=STATE&iss=https://evil.example"})
        void responseOfAnotherIssuerEndsTheLogin(String query) {
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
        @Tag("A17")
        void descriptionIsReducedToWhatTheRfcAllows() {
            String hostile = UrlEncoded.encodeQuery("<b>\u001b[31m\"\\\u202e" + "x".repeat(100_000))
                    .replace("%1B", "");

            AuthorizationFailedException error =
                    failure("error=server_error&error_description=" + hostile + "&state=STATE");

            assertThat(error.getMessage())
                    .hasSizeLessThan(400)
                    .matches("[ -~]*")
                    .doesNotContain("\\");
        }

        @ParameterizedTest(name = "{0} is reported as invalid_error")
        @Tag("A18")
        @ValueSource(strings = {"caf%C3%A9", "a%22b", "a%5Cb"})
        void errorOutsideTheCharacterSetIsReportedAsSuch(String error) {
            assertThat(failure("error=" + error + "&state=STATE").error()).isEqualTo("invalid_error");
        }

        @Test
        @Tag("A18")
        void errorOfAtMost256PrintableCharactersIsReportedAsItIs() {
            String longest = " ~" + "e".repeat(254);

            assertThat(failure("error=%20~" + "e".repeat(254) + "&state=STATE").error())
                    .isEqualTo(longest);
            assertThat(failure("error=%20~" + "e".repeat(255) + "&state=STATE").error())
                    .isEqualTo("invalid_error");
        }

        @Test
        @Tag("A19")
        void aCodeOfSevenKibibytesIsTakenAndALongerOneEndsTheLogin() {
            assertThat(validate("code=" + "c".repeat(7168) + "&state=STATE"))
                    .isInstanceOf(AuthorizationResponse.Granted.class);
            assertThat(failure("code=" + "c".repeat(7169) + "&state=STATE"))
                    .hasMessageContaining("longer than 7 KiB")
                    .hasMessageNotContaining("ccc");
            assertThat(validate("code=" + "c".repeat(7169) + "&state=wrong"))
                    .isInstanceOf(AuthorizationResponse.Ignored.class);
        }

        @Test
        @Tag("A19")
        void aStateOfMoreThan1024CharactersIsIgnored() {
            assertThat(validate("code=abc&state=" + "s".repeat(1025)))
                    .isInstanceOf(AuthorizationResponse.Ignored.class);
        }

        @ParameterizedTest(name = "[{index}] {0}")
        @Tag("A13")
        @Tag("A14")
        @ValueSource(
                strings = {
                    "state=STATE",
                    "state=STATE&session_state=5",
                    "code=&state=STATE",
                    "code&state=STATE",
                    "error=&state=STATE",
                    "error&error_description=why&code=&state=STATE"
                })
        void theRightStateWithNeitherCodeNorErrorEndsTheLogin(String query) {
            AuthorizationFailedException error = failure(query);

            assertThat(error)
                    .hasMessage("The sign-in ended without a code. Was it refused? Sign in again to allow it.");
            assertThat(error.error()).isNull();
        }

        @ParameterizedTest(name = "[{index}] {0}")
        @Tag("A14")
        @ValueSource(
                strings = {
                    "code=abc&error=&state=STATE",
                    "code=abc&error&error_description=&state=STATE",
                    "code=abc&iss=&state=STATE",
                    "code=abc&access_token=&state=STATE"
                })
        void aParameterWithoutAValueCountsAsOmitted(String query) {
            assertThat(validate(query)).isInstanceOf(AuthorizationResponse.Granted.class);
        }

        @Test
        @Tag("A14")
        void anErrorBesideAnEmptyCodeOrDescriptionIsThatError() {
            assertThat(failure("code=&error=access_denied&error_description=&state=STATE"))
                    .hasMessage("The sign-in was denied. Sign in again to allow it.");
        }

        @Test
        @Tag("A14")
        void anIssuerWithoutAValueIsAMissingIssuer() {
            AuthorizationRequest strict =
                    AuthorizationRequest.builder(AUTHORIZE).issuer("").build(REDIRECT);
            String state = query(strict).get("state").get(0);

            assertThat(strict.validate("code=abc&iss=&state=" + state))
                    .isInstanceOf(AuthorizationResponse.Failed.class);
        }

        @Test
        void aResponseYieldsItsCodeOrItsError() {
            assertThat(validate("code=abc&state=STATE").orElseThrow().secret()).isEqualTo("abc");
            assertThatThrownBy(() -> validate("error=access_denied&state=STATE").orElseThrow())
                    .isInstanceOfSatisfying(
                            AuthorizationFailedException.class,
                            error -> assertThat(error.denied()).isTrue());
            assertThatThrownBy(() -> validate("code=abc&state=wrong").orElseThrow())
                    .isInstanceOf(AuthorizationFailedException.class)
                    .hasMessageContaining("not a response to this login");
        }

        @Test
        @Tag("A20")
        void codeArrivesByteForByte() {
            AuthorizationResponse response = validate("code=a%2Bb%20c+d%C3%A9%2F%3D&state=STATE");

            assertThat(((AuthorizationResponse.Granted) response).code().secret())
                    .isEqualTo("a+b c d\u00e9/=");
        }

        @Test
        void aCodeWithoutItsStateHasTheVerifierOfTheLogin() {
            CodeVerifier verifier = ((AuthorizationResponse.Granted) validate("code=abc&state=STATE"))
                    .code()
                    .codeVerifier();

            AuthorizationCode code = request.unsafeCodeWithoutState("typed");

            assertThat(code.secret()).isEqualTo("typed");
            assertThat(code.redirectUri()).isEqualTo(request.redirectUri());
            assertThat(code.codeVerifier()).isNotNull().isSameAs(verifier);
        }

        @Test
        void judgingTwiceGivesTheSameResult() {
            validate("code=wrong&state=wrong");
            validate("code=abc&state=STATE");

            assertThat(validate("code=abc&state=STATE")).isInstanceOf(AuthorizationResponse.Granted.class);
        }

        private AuthorizationFailedException failure(String query) {
            return ((AuthorizationResponse.Failed) validate(query)).error();
        }
    }
}
