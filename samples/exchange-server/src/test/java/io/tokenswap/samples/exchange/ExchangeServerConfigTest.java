package io.tokenswap.samples.exchange;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.tokenswap.samples.exchange.connection.ConnectionLimits;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ExchangeServerConfigTest {

    private static final Map<String, String> ENOUGH =
            Map.of("SPOTIFY_CLIENT_ID", "client", "SPOTIFY_CLIENT_SECRET", "hush-hush");

    @Test
    void clientIdAndSecretAreEnough() {
        ExchangeServerConfig config = ExchangeServerConfig.from(ENOUGH);

        assertThat(config.port).isEqualTo(8080);
        assertThat(config.bindAddress).isEqualTo(InetAddress.getLoopbackAddress());
        assertThat(config.authorizeUri).hasToString("https://accounts.spotify.com/authorize");
        assertThat(config.tokenUri).hasToString("https://accounts.spotify.com/api/token");
        assertThat(config.returnUris.entries())
                .containsExactly("http://localhost:4002/auth", "http://127.0.0.1:4002/auth");
        assertThat(config.requirePkce).isFalse();
        assertThat(config.scopes).isEmpty();
    }

    @Test
    @Tag("C55")
    @Tag("E63")
    @Tag("E64")
    @Tag("E70")
    void eachBoundHasADefault() {
        ExchangeServerConfig config = ExchangeServerConfig.from(ENOUGH);
        Duration tenSeconds = Duration.ofSeconds(10);

        assertThat(config.connectionLimits)
                .isEqualTo(new ConnectionLimits(
                        10_000, 100, tenSeconds, tenSeconds, tenSeconds, Duration.ofSeconds(75), 16 * 1024));
        assertThat(config.providerConnections).isEqualTo(256);
        assertThat(config.providerWaiting).isEqualTo(1_024);
        assertThat(config.limitTotal).isEqualTo(2_000);
        assertThat(config.limitPerToken).isEqualTo(2);
        assertThat(config.limitFailures).isEqualTo(10);
        assertThat(config.drainDelay).isEqualTo(Duration.ofSeconds(5));
    }

    @Test
    @Tag("C51")
    void everyProblemIsNamedAtOnce() {
        assertThat(problems(Map.of()))
                .containsExactly(
                        "CLIENT_ID (or SPOTIFY_CLIENT_ID) is not set: set it, or CLIENT_ID_FILE to the name of a file",
                        "CLIENT_SECRET (or SPOTIFY_CLIENT_SECRET) is not set: set it, or CLIENT_SECRET_FILE to the name of a file");
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
                "RETURN_URIS, canary.app:/auth",
                "DIRECT_REDIRECT_URIS, javascript:canary",
                "DIRECT_REDIRECT_URIS, http://canary.example/auth",
                "DIRECT_REDIRECT_URIS, canary.app:/auth#x",
                "DIRECT_REDIRECT_URIS, canary.app:/au th",
                "DIRECT_REDIRECT_URIS, canary",
                "SCOPES, \" \"",
                "REQUIRE_PKCE, canary",
                "SEAL_KEY, canary",
                "SEAL_KEY, Y2FuYXJ5"
            })
    void wrongValues(String name, String value) {
        Map<String, String> variables = new HashMap<>(ENOUGH);
        variables.put(name, value);
        if (value.startsWith("https:")) {
            variables.put("SEAL_KEYS", Exchange.KEY);
        }

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
    @Tag("E65")
    void aPublicUrlFromAFileNeedsAKeyToo(@TempDir Path directory) throws IOException {
        Path file = Files.writeString(directory.resolve("url"), "https://exchange.example\n");

        assertThat(problems(with("PUBLIC_URL_FILE", file.toString())))
                .singleElement()
                .asString()
                .startsWith("SEAL_KEYS is not set");
    }

    @Tag("E65")
    @ParameterizedTest(name = "{0} is taken for {1}")
    @CsvSource({
        "REQUIRE_PCKE, REQUIRE_PKCE",
        "REQUIRE_PKCE_, REQUIRE_PKCE",
        "PUBLIC_UR, PUBLIC_URL",
        "RETURN_URLS, RETURN_URIS",
        "CLIENT_SECERT, CLIENT_SECRET",
        "SPOTIFY_CLIENTID, SPOTIFY_CLIENT_ID",
        "SEAL_KYES, SEAL_KEYS",
        "SEALKEYS, SEAL_KEYS",
        "seal-keys, SEAL_KEYS",
        "CLIENT_SECRET_FIEL, CLIENT_SECRET_FILE",
        "PROT, PORT",
        "METRICS_PORT, METRICS_HTTP_PORT"
    })
    void unknownVariablesNearAKnownNameStopTheStart(String typo, String meant) {
        assertThat(problems(with(typo, "canary"))).containsExactly(typo + " is not known: " + meant + "?");
    }

    @Test
    @Tag("E65")
    void whatOthersHaveInTheirEnvironmentIsLeftAlone() {
        Map<String, String> variables = new HashMap<>(ENOUGH);
        for (String name : List.of(
                "PATH",
                "HOME",
                "PWD",
                "USER",
                "LANG",
                "HOSTNAME",
                "JAVA_HOME",
                "SHLVL",
                "TERM",
                "TZ",
                "PORT1",
                "SPOTIFY_TOKEN",
                "DEBUG",
                "HOST",
                "LOGNAME",
                "OLDPWD",
                "_",
                "INVOCATION_ID",
                "JOURNAL_STREAM",
                "KUBERNETES_PORT")) {
            variables.put(name, "canary");
        }

        ExchangeServerConfig.from(variables);
    }

    @Test
    @Tag("E76")
    void theServiceLinksOfAPodAreLeftAlone() {
        Map<String, String> variables = new HashMap<>(ENOUGH);
        variables.put("REDIS_PORT", "tcp://10.0.0.1:6379");
        variables.put("METRICS_PORT", "tcp://10.0.0.2:9090");
        variables.put("CLIENT_SERVICE_HOST", "10.0.0.3");
        variables.put("CLIENT_SERVICE_PORT", "80");
        variables.put("CLIENT_SERVICE_PORT_HTTP", "80");
        variables.put("CLIENT_PORT", "tcp://10.0.0.3:80");
        variables.put("EXCHANGE_SERVER_PORT_8080_TCP", "tcp://10.0.0.4:8080");
        variables.put("EXCHANGE_SERVER_PORT_8080_TCP_ADDR", "10.0.0.4");
        ExchangeServerConfig.from(variables);

        variables.put("PORT", "tcp://10.0.0.4:8080");
        assertThat(problems(variables))
                .singleElement()
                .asString()
                .startsWith("PORT ")
                .contains("service links");
    }

    @Tag("C51")
    @Tag("E65")
    @ParameterizedTest(name = "the secret {0} is out of an example")
    @ValueSource(
            strings = {"changeme", "CHANGE_ME", "your-client-secret", "secret", "xxxxxxxx", "YOUR_SPOTIFY_CLIENT_SECRET"
            })
    void placeholderSecrets(String secret) {
        assertThat(problems(with("CLIENT_SECRET", secret, "SPOTIFY_CLIENT_SECRET")))
                .singleElement()
                .asString()
                .startsWith("CLIENT_SECRET is a word out of an example")
                .doesNotContain(secret);
    }

    @Tag("E75")
    @ParameterizedTest(name = "the value {0} was not meant")
    @CsvSource(
            quoteCharacter = '|',
            value = {
                "\"canary\", --env-file",
                "'canary', --env-file",
                "${CLIENT_SECRET}, placeholder",
                "<secret>, placeholder",
                "$(cat /run/secrets/canary), placeholder",
                "{{ canary }}, placeholder"
            })
    void quotesAndPlaceholders(String value, String word) {
        for (String name : List.of("CLIENT_ID", "CLIENT_SECRET", "PUBLIC_URL")) {
            assertThat(problems(with(name, value, "SPOTIFY_" + name)))
                    .singleElement()
                    .asString()
                    .startsWith(name + " ")
                    .contains(word)
                    .doesNotContain("canary");
        }
    }

    @Tag("C51")
    @Tag("E65")
    @ParameterizedTest(name = "the key {0} is refused")
    @ValueSource(
            strings = {
                "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
                "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
                "dGhpcyBpcyBhIHRleHQgb2YgMzIgYnl0ZXMgbm93ISE=",
                "c2hvcnQ="
            })
    void weakKeys(String key) {
        assertThat(problems(with("SEAL_KEYS", key)))
                .singleElement()
                .asString()
                .startsWith("SEAL_KEYS ")
                .doesNotContain(key);
    }

    @Test
    @Tag("E80")
    void severalInstancesWithoutAKeyStopTheStart() {
        assertThat(problems(with("REDIS_URL", "redis://127.0.0.1:6379")))
                .containsExactly("SEAL_KEYS is not set, and REDIS_URL is: all instances need the same keys");
    }

    @Test
    @Tag("E65")
    void httpsWithoutAKeyAndACommaInScopesStopTheStart() {
        Map<String, String> variables = new HashMap<>(ENOUGH);
        variables.put("PUBLIC_URL", "https://exchange.example");
        variables.put("SCOPES", "a,b");

        assertThat(problems(variables))
                .satisfiesExactly(
                        scopes -> assertThat(scopes).isEqualTo("SCOPES holds a comma: separate scopes by spaces"),
                        key -> assertThat(key).startsWith("SEAL_KEYS is not set"));
    }

    @Test
    void eachNameOfAVariableIsTakenAndTwoMustAgree() {
        ExchangeServerConfig config = ExchangeServerConfig.from(
                Map.of("CLIENT_ID", "client", "CLIENT_SECRET", "hush-hush", "SPOTIFY_CLIENT_SECRET", "hush-hush"));
        assertThat(config.clientSecret).isEqualTo("hush-hush");

        assertThat(problems(with("CLIENT_SECRET", "other")))
                .singleElement()
                .asString()
                .isEqualTo("CLIENT_SECRET is set more than once, by CLIENT_SECRET and SPOTIFY_CLIENT_SECRET: keep one");
    }

    @Test
    @Tag("C51")
    void aSecretIsReadFromAFile(@TempDir Path directory) throws IOException {
        Path file = Files.writeString(directory.resolve("secret"), "from-a-file\n");
        Map<String, String> variables = Map.of("CLIENT_ID", "client", "CLIENT_SECRET_FILE", file.toString());

        assertThat(ExchangeServerConfig.from(variables).clientSecret).isEqualTo("from-a-file");

        Files.writeString(file, "");
        assertThat(problems(variables)).containsExactly("CLIENT_SECRET_FILE names an empty file");
        Files.delete(file);
        assertThat(problems(variables)).containsExactly("CLIENT_SECRET_FILE names a file that does not exist");
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
        if (name.equals("PUBLIC_URL")) {
            variables.put("SEAL_KEYS", Exchange.KEY);
        }
        return variables;
    }

    private static Map<String, String> with(String name, String value, String without) {
        Map<String, String> variables = with(name, value);
        variables.remove(without);
        return variables;
    }

    private static List<String> problems(Map<String, String> variables) {
        return catchThrowableOfType(ConfigurationException.class, () -> ExchangeServerConfig.from(variables))
                .problems();
    }
}
