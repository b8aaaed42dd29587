package io.tokenswap.callback;

import static org.assertj.core.api.Assertions.assertThat;

import io.tokenswap.AuthorizationFailedException;
import io.tokenswap.callback.CallbackPage.Outcome;
import java.time.Duration;
import java.util.Locale;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.test.scheduler.VirtualTimeScheduler;

/** What the query of a hit may do to a login. */
@ExtendWith(NothingIsLeft.class)
class ReceivedParametersTest {

    @Test
    @Tag("A01")
    void theRightCodeAndStateEndTheLogin() {
        try (WaitingLogin login = WaitingLogin.start()) {
            RawResponse response = login.hit(login.goodQuery());

            assertThat(response.status()).isEqualTo(200);
            assertThat(response.body())
                    .contains("You are signed in")
                    .isEqualTo(CallbackPage.create().response(Outcome.SIGNED_IN).body());
            assertThat(login.code().secret()).isEqualTo(WaitingLogin.CODE);
            assertThat(login.code().redirectUri()).isEqualTo(login.request().redirectUri());
            assertThat(login.code().codeVerifier()).isNotNull();
            login.freesItsPort();
        }
    }

    @Test
    @Tag("A01")
    void thePortIsFreeTwoSecondsAfterASuccess() {
        VirtualTimeScheduler time = VirtualTimeScheduler.create();
        WaitingLogin login =
                WaitingLogin.start(LoopbackReceiver.create().ports(0).scheduler(time));
        login.hit(login.goodQuery());
        assertThat(login.code().secret()).isEqualTo(WaitingLogin.CODE);
        time.advanceTimeBy(Duration.ofMillis(1_999));
        assertThat(login.get("/auth").body()).as("a reload").contains("already used");
        assertThat(login.hit("code=c&state=wrong").status()).as("another login").isEqualTo(400);
        time.advanceTimeBy(Duration.ofMillis(1));

        login.freesItsPort();
    }

    /**
     * CODE stands for a code, STATE for the right state, UPPER for it in capitals, TWICE for it escaped twice, LONG for
     * 5,000 letters.
     */
    @ParameterizedTest(name = "{0}")
    @Tag("A03")
    @Tag("A04")
    @Tag("A05")
    @Tag("A06")
    @Tag("A07")
    @Tag("A08")
    @Tag("A09")
    @Tag("A11")
    @Tag("A17")
    @Tag("A19")
    @Tag("A21")
    @Tag("A22")
    @Tag("A23")
    @Tag("A24")
    @CsvSource(delimiter = '|', textBlock = """
                    wrong state                     | code=CODE&state=wrong
                    no state                        | code=CODE
                    no query at all                 | -
                    empty state                     | code=CODE&state=
                    state in another case           | code=CODE&state=UPPER
                    state with a trailing space     | code=CODE&state=STATE%20
                    state escaped twice             | code=CODE&state=TWICE
                    same state twice                | code=CODE&state=STATE&state=STATE
                    right state, then a wrong one   | code=CODE&state=STATE&state=x
                    wrong state, then the right one | code=CODE&state=x&state=STATE
                    code twice                      | code=CODE&code=d&state=STATE
                    error twice                     | error=a&error=b&state=STATE
                    error_description twice         | error=a&error_description=b&error_description=c&state=STATE
                    iss twice                       | code=CODE&iss=a&iss=b&state=STATE
                    iss twice and the same          | code=CODE&iss=a&iss=a&state=STATE
                    error with a wrong state        | error=access_denied&state=wrong
                    error without state             | error=access_denied
                    a line break in the description | error=a&error_description=b%0D%0Ac&state=STATE
                    an escape sequence              | error=a&error_description=%1B%5B31mb&state=STATE
                    a state that is too long        | code=CODE&state=LONG
                    bad escape                      | code=%zz&state=STATE
                    bad second digit                | code=%4z&state=STATE
                    half an escape                  | state=STATE&code=CODE%
                    half of its digits              | state=STATE&code=CODE%4
                    overlong form                   | code=%C0%AF&state=STATE
                    lone surrogate                  | code=%ED%A0%80&state=STATE
                    NUL                             | code=a%00b&state=STATE
                    control character               | code=a%1Fb&state=STATE
                    delete                          | code=a%7Fb&state=STATE
                    control character beyond ASCII  | code=a%C2%85b&state=STATE
                    line break in an unknown value  | code=CODE&x=%0A&state=STATE
                    a semicolon                     | code=CODE;state=STATE
                    a semicolon first               | state=STATE;code=CODE
                    an access token alone           | access_token=CODE&state=STATE
                    an access token                 | access_token=CODE&code=CODE&state=STATE
                    """)
    void isRefusedWith400AndTheLoginKeepsWaiting(String what, String query) {
        try (WaitingLogin login = WaitingLogin.start()) {
            String sent = query.replace("STATE", login.state())
                    .replace("CODE", WaitingLogin.CODE)
                    .replace("LONG", "x".repeat(5000))
                    .replace("UPPER", swapCase(login.state()))
                    .replace(
                            "TWICE",
                            "%%25%02X%s"
                                    .formatted(
                                            (int) login.state().charAt(0),
                                            login.state().substring(1)));

            RawResponse response = query.equals("-") ? login.get("/auth") : login.hit(sent);

            assertThat(response.status()).isEqualTo(400);
            assertThat(response.body()).contains("This link is not valid");
            login.isStillPending();
        }
    }

    @Test
    @Tag("A19")
    void aCodeOf7KibibytesIsTaken() {
        try (WaitingLogin login = WaitingLogin.start()) {
            String code = WaitingLogin.CODE + "x".repeat(7168 - WaitingLogin.CODE.length());

            assertThat(login.hit("code=" + code + "&state=" + login.state()).status())
                    .isEqualTo(200);
            assertThat(login.code().secret()).isEqualTo(code);
        }
    }

    private static String swapCase(String text) {
        String upper = text.toUpperCase(Locale.ROOT);
        return upper.equals(text) ? text.toLowerCase(Locale.ROOT) : upper;
    }

    @Test
    @Tag("A10")
    void aDenialIsTypedAndFreesThePort() {
        try (WaitingLogin login = WaitingLogin.start()) {
            RawResponse response = login.hit("error=access_denied&state=" + login.state());

            assertThat(response.status()).isEqualTo(200);
            assertThat(response.body()).contains("You are not signed in");
            assertThat(login.failure()).isInstanceOfSatisfying(AuthorizationFailedException.class, error -> {
                assertThat(error.denied()).isTrue();
                assertThat(error.error()).isEqualTo("access_denied");
            });
            login.freesItsPort();
        }
    }

    @Test
    @Tag("A12")
    void aCodeTogetherWithAnErrorIsAFailureAndTheCodeIsThrownAway() {
        try (WaitingLogin login = WaitingLogin.start()) {
            RawResponse response = login.hit("error=access_denied&" + login.goodQuery());

            assertThat(response.status()).isEqualTo(200);
            assertThat(response.body()).contains("Sign-in failed");
            assertThat(login.failure())
                    .isInstanceOf(AuthorizationFailedException.class)
                    .hasMessageContaining("both a code and an error");
            login.freesItsPort();
        }
    }

    @Test
    @Tag("A09")
    void unknownParametersMayStandTwice() {
        try (WaitingLogin login = WaitingLogin.start()) {
            RawResponse response = login.hit("a=1&a=2&" + login.goodQuery() + "&b=3&b=3");

            assertThat(response.status()).isEqualTo(200);
            assertThat(login.code().secret()).isEqualTo(WaitingLogin.CODE);
        }
    }

    @Test
    @Tag("A15")
    void unknownParametersAreIgnored() {
        try (WaitingLogin login = WaitingLogin.start()) {
            RawResponse response = login.hit("a=1&" + login.goodQuery() + "&session_state=x");

            assertThat(response.status()).isEqualTo(200);
            assertThat(login.code().secret()).isEqualTo(WaitingLogin.CODE);
        }
    }

    @ParameterizedTest(name = "{0}")
    @Tag("A16")
    @ValueSource(strings = {"iss=https%3A%2F%2Fevil.example", "iss=", "x=missing"})
    void aResponseOfAnotherIssuerIsAFailure(String issuer) {
        try (WaitingLogin login =
                WaitingLogin.start(WaitingLogin.RECEIVER, request -> request.issuer("https://id.example.com"))) {
            RawResponse response = login.hit(login.goodQuery() + "&" + issuer);

            assertThat(response.status()).isEqualTo(200);
            assertThat(response.body()).contains("Sign-in failed");
            assertThat(login.failure())
                    .isInstanceOf(AuthorizationFailedException.class)
                    .hasMessageContaining("expected issuer https://id.example.com")
                    .hasMessageNotContaining("evil");
            login.freesItsPort();
        }
    }

    @Test
    @Tag("A16")
    void theRightIssuerIsNone() {
        try (WaitingLogin login =
                WaitingLogin.start(WaitingLogin.RECEIVER, request -> request.issuer("https://id.example.com"))) {
            login.hit(login.goodQuery() + "&iss=https%3A%2F%2Fid.example.com");

            assertThat(login.code().secret()).isEqualTo(WaitingLogin.CODE);
        }
    }

    @Test
    @Tag("A18")
    void anErrorOutsideTheCharacterSetIsReportedAsSuch() {
        try (WaitingLogin login = WaitingLogin.start()) {
            RawResponse response = login.hit("error=caf%C3%A9%22&state=" + login.state());

            assertThat(response.status()).isEqualTo(200);
            assertThat(login.failure())
                    .isInstanceOfSatisfying(
                            AuthorizationFailedException.class,
                            error -> assertThat(error.error()).isEqualTo("invalid_error"));
        }
    }

    @Test
    @Tag("A20")
    void theCodeArrivesByteForByte() {
        try (WaitingLogin login = WaitingLogin.start()) {
            RawResponse response =
                    login.hit("code=" + WaitingLogin.CODE + "%2B+%20%C3%A9%2F%3D&state=" + login.state());

            assertThat(response.status()).isEqualTo(200);
            assertThat(login.code().secret()).isEqualTo(WaitingLogin.CODE + "+  \u00e9/=");
        }
    }

    @ParameterizedTest(name = "{0}")
    @Tag("A17")
    @CsvSource(delimiter = '|', textBlock = """
                    markup             | %3Cscript%3Ealert(1)%3C/script%3E
                    quotes             | alert%22%27%3E
                    right to left      | alert%E2%80%AE
                    very long          | alertLONG
                    """)
    void whatTheProviderSaysNeverReachesThePage(String what, String description) {
        try (WaitingLogin login = WaitingLogin.start()) {
            RawResponse response = login.hit("error=server_error&error_description="
                    + description.replace("LONG", "x".repeat(5000)) + "&state=" + login.state());

            assertThat(response.status()).isEqualTo(200);
            assertThat(response.body()).contains("Sign-in failed").doesNotContain("alert", "server_error", "xxx");
            assertThat(login.failure()).isInstanceOf(AuthorizationFailedException.class);
            // The charset of RFC 6749 section 4.1.2.1, and no more than 256 of it, in a sentence of ours.
            assertThat(login.failure().getMessage())
                    .contains("alert")
                    .matches("[ -~]{1,400}")
                    .doesNotContain("\\", "alert\"'", "x".repeat(257 - "alert".length()));
        }
    }

    @Test
    @Tag("A17")
    void aDescriptionOf100KbIsNotEvenRead() {
        try (WaitingLogin login = WaitingLogin.start()) {
            RawResponse response = login.hit(
                    "error=server_error&error_description=" + "x".repeat(100_000) + "&state=" + login.state());

            assertThat(response.status()).isIn(414, -1);
            login.isStillPending();
        }
    }
}
