package io.tokenswap;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RedirectParametersTest {

    @Test
    void aLoginIsFoundByItsStateAndValidatesWhatWasRead() {
        AuthorizationRequest login = AuthorizationRequest.builder(URI.create("https://auth.example.com"))
                .build(URI.create("http://localhost:4002/auth"));
        String state = RedirectParameters.parse(login.uri().getRawQuery()).state();
        RedirectParameters received = RedirectParameters.parse("code=canary-code&state=" + state);

        assertThat(received.state()).isEqualTo(state);
        assertThat(received.problem()).isNull();
        assertThat(login.validate(received).orElseThrow().secret()).isEqualTo("canary-code");
        assertThat(login.validate(RedirectParameters.parse("code=canary-code&state=x")))
                .isInstanceOf(AuthorizationResponse.Ignored.class);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "state=s&code=%zz | The query is malformed",
                "state=s&state=s | A parameter is repeated",
                "state=s&iss=a&iss=b | A parameter is repeated",
                "state=s&access_token=canary | The URL contains an access token"
            })
    void whatIsNoResponseHasAProblemAndNoState(String query, String problem) {
        RedirectParameters received = RedirectParameters.parse(query);

        assertThat(received.problem()).isEqualTo(problem);
        assertThat(received.state()).isNull();
    }

    @Test
    @Tag("A19")
    void aStateOfMoreThan1024CharactersIsNone() {
        assertThat(RedirectParameters.parse("state=" + "s".repeat(1024)).state())
                .hasSize(1024);
        assertThat(RedirectParameters.parse("state=" + "s".repeat(1025)).state())
                .isNull();
    }

    @Test
    void noQueryIsWellFormedAndHasNoState() {
        assertThat(RedirectParameters.parse(null).problem()).isNull();
        assertThat(RedirectParameters.parse(null).state()).isNull();
        assertThat(RedirectParameters.parse("state=&code=c").state()).isNull();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "http://localhost:4002/auth?code=c&state=s%2B1",
                "  http://localhost:4002/auth?code=c&state=s%2B1#fragment \t",
                "?code=c&state=s%2B1",
                "state=s%2B1",
                "/auth?state=s%2B1"
            })
    void anAddressIsPastedWholeOrInPart(String text) {
        assertThat(RedirectParameters.parsePasted(text).state()).isEqualTo("s+1");
    }

    @Test
    void theSameQueryIsEqualAndNothingOfItIsPrinted() {
        RedirectParameters received = RedirectParameters.parse("code=canary-code&state=canary-state");

        assertThat(received)
                .isEqualTo(RedirectParameters.parse("code=canary-code&state=canary-state"))
                .hasSameHashCodeAs(RedirectParameters.parse("code=canary-code&state=canary-state"))
                .isNotEqualTo(RedirectParameters.parse("state=canary-state&code=canary-code"))
                .isNotEqualTo(null);
        assertThat(received.toString()).doesNotContain("canary");
    }
}
