package io.tokenswap.samples.provider;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The variables of the program. */
class EnvironmentTest {

    @Test
    void theVariablesReachTheProvider() throws Exception {
        Map<String, String> variables = Map.of(
                "PORT", "0",
                "CLIENT_SECRET", "another",
                "REDIRECT_URIS", "https://a.example/back, " + TestApplication.REDIRECT_URI,
                "ACCESS_TOKEN_LIFETIME", "90",
                "AUTO_APPROVE", "TRUE");
        try (DemoProvider provider = Environment.of(variables).start()) {
            TestApplication application = new TestApplication(provider, "another");

            assertThat(application.login().path("expires_in").asInt()).isEqualTo(90);
        }
    }

    @Test
    void nothingSetIsFine() {
        assertThat(Environment.of(Map.of())).isNotNull();
        assertThat(Environment.of(Map.of("PORT", "", "AUTO_APPROVE", " "))).isNotNull();
    }

    @ParameterizedTest
    @CsvSource({
        "PORT, ninethousand",
        "PORT, 70000",
        "PORT, -1",
        "REDIRECT_URIS, callback",
        "REDIRECT_URIS, http://[",
        "ACCESS_TOKEN_LIFETIME, 1h",
        "ACCESS_TOKEN_LIFETIME, 0",
        "ACCESS_TOKEN_LIFETIME, PT0.5S",
        "AUTO_APPROVE, yes"
    })
    void aWrongValueIsOneLineThatNamesItsVariable(String name, String value) {
        assertThatThrownBy(() -> Environment.of(Map.of(name, value)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith(name + ": ")
                .message()
                .hasLineCount(1);
    }
}
