package io.tokenswap.samples.exchange;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ExchangeServerConfigTest {

    private static final Map<String, String> ENOUGH =
            Map.of("SPOTIFY_CLIENT_ID", "client", "SPOTIFY_CLIENT_SECRET", "hush-hush");

    @Test
    void clientIdAndSecretAreEnough() {
        ExchangeServerConfig config = ExchangeServerConfig.from(ENOUGH);

        assertThat(config.port).isEqualTo(8080);
        assertThat(config.bindAddress).isEqualTo("127.0.0.1");
        assertThat(config.authorizeUri).hasToString("https://accounts.spotify.com/authorize");
        assertThat(config.tokenUri).hasToString("https://accounts.spotify.com/api/token");
        assertThat(config.returnUris.entries())
                .containsExactly("http://localhost:4002/auth", "http://127.0.0.1:4002/auth");
        assertThat(config.requirePkce).isFalse();
        assertThat(config.scopes).isEmpty();
    }

    @Test
    void everyProblemIsNamedAtOnce() {
        assertThat(problems(Map.of()))
                .containsExactly("SPOTIFY_CLIENT_ID is not set", "SPOTIFY_CLIENT_SECRET is not set");
        assertThat(problems(Map.of("SPOTIFY_CLIENT_ID", "", "SPOTIFY_CLIENT_SECRET", " ", "PORT", "")))
                .containsExactly(
                        "PORT is blank: give it a value or leave it out",
                        "SPOTIFY_CLIENT_ID is blank",
                        "SPOTIFY_CLIENT_SECRET is blank");
    }

    @Tag("C76")
    @ParameterizedTest(name = "a wrong {0} is named and its value is not")
    @CsvSource(
            quoteCharacter = '"',
            value = {
                "PORT, canary",
                "PORT, 65536",
                "PORT, -1",
                "BIND_ADDRESS, canary.example",
                "PUBLIC_URL, canary",
                "PUBLIC_URL, ftp://canary.example",
                "PUBLIC_URL, https://canary.example/?x=1",
                "PUBLIC_URL, https://canary.example/#x",
                "PUBLIC_URL, https://canary@example.com",
                "SPOTIFY_CLIENT_ID, canary canary",
                "SPOTIFY_CLIENT_SECRET, canary canary",
                "SPOTIFY_CLIENT_SECRET, \"canary \"",
                "PROVIDER_AUTHORIZE_URL, http://canary.example/authorize",
                "PROVIDER_TOKEN_URL, http://canary.example/token",
                "PROVIDER_TOKEN_URL, \"https://canary.example/ token\"",
                "RETURN_URIS, canary",
                "RETURN_URIS, \"https://canary.example/auth,\"",
                "RETURN_URIS, javascript:canary",
                "RETURN_URIS, https://canary.example/auth#x",
                "SCOPES, \" \"",
                "REQUIRE_PKCE, canary",
                "SEAL_KEY, canary",
                "SEAL_KEY, Y2FuYXJ5"
            })
    void wrongValues(String name, String value) {
        Map<String, String> variables = new HashMap<>(ENOUGH);
        variables.put(name, value);

        assertThat(problems(variables))
                .singleElement()
                .asString()
                .startsWith(name + " ")
                .doesNotContain("canary")
                .doesNotContain("Y2Fu");
    }

    @Test
    @Tag("C57")
    void thePublicUrlIsHttpsExceptOnThisMachine() {
        assertThat(problems(with("PUBLIC_URL", "http://exchange.example")))
                .singleElement()
                .asString()
                .startsWith("PUBLIC_URL must start with https://");
        assertThat(publicUrl("https://exchange.example/")).isEqualTo("https://exchange.example/callback");
        assertThat(publicUrl("https://exchange.example/spotify"))
                .isEqualTo("https://exchange.example/spotify/callback");
        assertThat(publicUrl("http://localhost:9")).isEqualTo("http://localhost:9/callback");
        assertThat(publicUrl("http://[::1]:9")).isEqualTo("http://[::1]:9/callback");
    }

    @Test
    void theSecretIsNotPrinted() {
        assertThat(ExchangeServerConfig.from(ENOUGH)).asString().doesNotContain("hush-hush");
    }

    private static String publicUrl(String text) {
        PublicUrl publicUrl = ExchangeServerConfig.from(with("PUBLIC_URL", text)).publicUrl;
        assertThat(publicUrl).isNotNull();
        return publicUrl.callback().toString();
    }

    private static Map<String, String> with(String name, String value) {
        Map<String, String> variables = new HashMap<>(ENOUGH);
        variables.put(name, value);
        return variables;
    }

    private static List<String> problems(Map<String, String> variables) {
        return catchThrowableOfType(ConfigurationException.class, () -> ExchangeServerConfig.from(variables))
                .problems();
    }
}
