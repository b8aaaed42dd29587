package io.tokenswap.callback;

import static org.assertj.core.api.Assertions.assertThat;

import io.tokenswap.AuthorizationFailedException;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the query of a hit may do to a login. */
class ReceivedParametersTest {

    @Test
    void a01_theRightCodeAndStateEndTheLogin() {
        try (WaitingLogin login = WaitingLogin.start()) {
            RawResponse response = login.hit(login.goodQuery());

            assertThat(response.status()).isEqualTo(200);
            assertThat(response.body()).contains("You are signed in");
            assertThat(login.code().value()).isEqualTo(WaitingLogin.CODE);
            assertThat(login.code().redirectUri()).isEqualTo(login.request().redirectUri());
            assertThat(login.code().codeVerifier()).isNotNull();
            login.freesItsPort();
        }
    }

    /** STATE stands for the right state, UPPER for the same in capitals. */
    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', textBlock = """
                    A03 wrong state                     | code=c&state=wrong
                    A04 no state                        | code=c
                    A04 no query at all                 | -
                    A05 empty state                     | code=c&state=
                    A06 state in another case           | code=c&state=UPPER
                    A06 state with a trailing space     | code=c&state=STATE%20
                    A06 state escaped twice             | code=c&state=TWICE
                    A07 same state twice                | code=c&state=STATE&state=STATE
                    A07 right state, then a wrong one   | code=c&state=STATE&state=x
                    A07 wrong state, then the right one | code=c&state=x&state=STATE
                    A08 code twice                      | code=c&code=d&state=STATE
                    A09 error twice                     | error=a&error=b&state=STATE
                    A09 error_description twice         | error=a&error_description=b&error_description=c&state=STATE
                    A09 iss twice                       | code=c&iss=a&iss=b&state=STATE
                    A11 error with a wrong state        | error=access_denied&state=wrong
                    A11 error without state             | error=access_denied
                    A13 neither code nor error          | state=STATE
                    A14 empty code                      | code=&state=STATE
                    A21 bad escape                      | code=%zz&state=STATE
                    A22 control character               | code=a%00b&state=STATE
                    A24 an access token                 | access_token=t&code=c&state=STATE
                    """)
    void isAnsweredWith400AndTheLoginGoesOnWaiting(String what, String query) {
        try (WaitingLogin login = WaitingLogin.start()) {
            String sent = query.replace("STATE", login.state())
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

    private static String swapCase(String text) {
        String upper = text.toUpperCase(Locale.ROOT);
        return upper.equals(text) ? text.toLowerCase(Locale.ROOT) : upper;
    }

    @Test
    void a10_aDenialIsTypedAndFreesThePort() {
        try (WaitingLogin login = WaitingLogin.start()) {
            RawResponse response = login.hit("error=access_denied&state=" + login.state());

            assertThat(response.status()).isEqualTo(200);
            assertThat(response.body()).contains("You are not signed in");
            assertThat(login.failure())
                    .isInstanceOfSatisfying(
                            AuthorizationFailedException.class,
                            error -> assertThat(error.denied()).isTrue());
            login.freesItsPort();
        }
    }

    @Test
    void a12_aCodeTogetherWithAnErrorIsAFailureAndTheCodeIsThrownAway() {
        try (WaitingLogin login = WaitingLogin.start()) {
            login.hit("error=access_denied&" + login.goodQuery());

            assertThat(login.failure())
                    .isInstanceOf(AuthorizationFailedException.class)
                    .hasMessageContaining("both a code and an error");
        }
    }

    @Test
    void a15_unknownParametersAreIgnored() {
        try (WaitingLogin login = WaitingLogin.start()) {
            login.hit("a=1&a=2&" + login.goodQuery() + "&session_state=x");

            assertThat(login.code().value()).isEqualTo(WaitingLogin.CODE);
        }
    }

    @Test
    void a17_whatTheProviderSaysNeverReachesThePage() {
        try (WaitingLogin login = WaitingLogin.start()) {
            RawResponse response = login.hit(
                    "error=server_error&error_description=%3Cscript%3Ealert(1)%3C/script%3E&state=" + login.state());

            assertThat(response.body()).contains("You are not signed in").doesNotContain("alert", "server_error");
            assertThat(login.failure()).isInstanceOf(AuthorizationFailedException.class);
        }
    }
}
