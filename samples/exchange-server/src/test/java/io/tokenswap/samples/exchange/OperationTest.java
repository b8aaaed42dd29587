package io.tokenswap.samples.exchange;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.SocketException;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.publisher.Sinks;

/** What an operator sees and does. A configuration that is taken by mistake would start a server, and end at the limit. */
@Timeout(120)
class OperationTest {

    private static final Map<String, String> ENOUGH = Map.of("CLIENT_ID", "client", "CLIENT_SECRET", Exchange.SECRET);

    @Test
    @Tag("C63")
    void healthReportsADrainAndNotTheProvider() {
        try (Exchange exchange = new Exchange(Map.of("DRAIN_DELAY", "1h"))) {
            exchange.provider.close();
            assertThat(exchange.get("/health/live").statusCode()).isEqualTo(200);
            assertThat(exchange.get("/health/ready").body()).isEqualTo("{\"status\":\"up\"}");

            exchange.server.drain().subscribe();
            assertThat(exchange.get("/health/live").statusCode()).isEqualTo(200);
            assertThat(exchange.get("/health/ready").statusCode()).isEqualTo(503);
        }
    }

    @Test
    @Tag("E63")
    @Tag("C64")
    void aDrainIsAnnouncedOnEachResponseAndRequestsInFlightEnd() throws IOException {
        try (Exchange exchange = new Exchange(Map.of("DRAIN_DELAY", "1h"))) {
            exchange.server.drain().subscribe();

            // No Connection: close in the request: the response ends the connection.
            assertThat(exchange.raw("GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"))
                    .startsWith("HTTP/1.1 200 ")
                    .containsIgnoringCase("connection: close");
        }
    }

    @Test
    @Tag("E63")
    void afterTheDelayTheListenerCloses() {
        try (Exchange exchange = new Exchange(Map.of("DRAIN_DELAY", "10ms"))) {
            exchange.server.drain().block();

            exchange.server.onClose().block();
        }
    }

    @Test
    void theCheckOfHaproxyAndAPersonGetAResponse() throws IOException {
        try (Exchange exchange = new Exchange()) {
            assertThat(exchange.raw("OPTIONS / HTTP/1.0\r\n\r\n")).startsWith("HTTP/1.0 204 ");
            assertThat(exchange.get("/").body()).contains("is running");
            HttpResponse<String> head = exchange.send("HEAD", "/");
            assertThat(head.statusCode()).isEqualTo(200);
            assertThat(head.body()).isEmpty();
        }
    }

    @Test
    @Tag("C66")
    void metricsHaveTheirOwnPortAndBoundedLabels() {
        try (Exchange exchange = new Exchange(Map.of("METRICS_HTTP_PORT", "0", "SEAL_KEYS", Exchange.KEY))) {
            exchange.swap("canary-code");
            exchange.refresh("canary-token");
            for (int i = 0; i < 20; i++) {
                exchange.get("/canary/" + i);
            }
            String metrics = exchange.metrics();

            assertThat(metrics)
                    .contains("exchange_requests_seconds_count{route=\"swap\",status=\"200\"} 1")
                    .contains("exchange_requests_seconds_count{route=\"other\",status=\"404\"} 20")
                    .contains(
                            "exchange_provider_requests_seconds_count{grant_type=\"authorization_code\",outcome=\"success\"} 1")
                    .contains("exchange_connections")
                    .contains("jvm_memory_used_bytes")
                    .doesNotContain("canary");
            assertThat(exchange.get("/metrics").statusCode()).isEqualTo(404);
        }
    }

    @Test
    void eachResponseNamesItsRequest() {
        try (Exchange direct = new Exchange();
                Exchange behind = new Exchange(Map.of("TRUSTED_PROXIES", "127.0.0.1"))) {
            assertThat(requestId(direct, "from-a-client")).matches("[0-9a-f]{16}");
            assertThat(requestId(behind, "from-a-proxy")).isEqualTo("from-a-proxy");
            assertThat(requestId(behind, "<script>")).matches("[0-9a-f]{16}");
        }
    }

    private static String requestId(Exchange exchange, String sent) {
        return exchange.get("/health/live", "X-Request-Id", sent)
                .headers()
                .firstValue("X-Request-Id")
                .orElseThrow();
    }

    @Test
    @Tag("C53")
    void scriptsOfListedOriginsMayCallAndNoOthers() {
        try (Exchange exchange = new Exchange(Map.of("ALLOWED_ORIGINS", "https://app.example,https://two.example"))) {
            assertThat(allowedOrigin(exchange, "https://app.example")).isEqualTo("https://app.example");
            for (String origin :
                    List.of("https://evil.example", "null", "http://app.example", "https://app.example.evil")) {
                assertThat(allowedOrigin(exchange, origin)).isEqualTo("none");
                assertThat(preflight(exchange, origin).statusCode()).isEqualTo(405);
            }
            HttpResponse<String> preflight = preflight(exchange, "https://two.example");
            assertThat(preflight.statusCode()).isEqualTo(204);
            assertThat(preflight.headers().firstValue("Access-Control-Allow-Origin"))
                    .contains("https://two.example");
            assertThat(preflight.headers().firstValue("Access-Control-Allow-Credentials"))
                    .isEmpty();
        }
    }

    private static String allowedOrigin(Exchange exchange, String origin) {
        return exchange.post("/swap", "application/x-www-form-urlencoded", "code=c", "Origin", origin)
                .headers()
                .firstValue("Access-Control-Allow-Origin")
                .orElse("none");
    }

    private static HttpResponse<String> preflight(Exchange exchange, String origin) {
        return exchange.send("OPTIONS", "/swap", "Origin", origin, "Access-Control-Request-Method", "POST");
    }

    @Test
    @Tag("C52")
    @Tag("C42")
    void aSecretAndKeysChangeWithoutARestart(@TempDir Path directory) throws IOException {
        Path secret = Files.writeString(directory.resolve("secret"), "first-secret");
        Path keys = Files.writeString(directory.resolve("keys"), Exchange.KEY);
        try (Exchange exchange = new Exchange(
                Map.of("CLIENT_SECRET_FILE", secret.toString(), "SEAL_KEYS_FILE", keys.toString()), "CLIENT_SECRET")) {
            exchange.provider.respondsWith(200, FakeProvider.TOKEN);
            String sealed = Exchange.refreshToken(exchange.swap("c"));

            Files.writeString(secret, "second-secret\n");
            Files.writeString(keys, Exchange.OTHER_KEY + "\n" + Exchange.KEY + "\n");
            exchange.server.checkFiles();
            String anew = Exchange.refreshToken(exchange.refresh(sealed));
            assertThat(anew).isNotEqualTo(sealed);
            assertThat(exchange.provider.asked.get(1).authorization())
                    .isEqualTo("Basic "
                            + Base64.getEncoder()
                                    .encodeToString("client:second-secret".getBytes(StandardCharsets.UTF_8)));

            // What cannot be used changes nothing.
            Files.writeString(keys, "nonsense");
            Files.writeString(secret, "");
            exchange.server.checkFiles();
            exchange.now = exchange.now.plusSeconds(60);
            assertThat(exchange.refresh(anew).statusCode()).isEqualTo(200);

            Files.writeString(keys, Exchange.OTHER_KEY);
            exchange.server.checkFiles();
            assertThat(exchange.refresh(sealed).body()).startsWith("{\"error\":\"invalid_grant\"");
            assertThat(exchange.refresh(anew).statusCode()).isEqualTo(200);
        }
    }

    @ParameterizedTest(name = "{0}")
    @ValueSource(strings = {"--port=1", "-x", "start"})
    @Tag("E65")
    void anUnknownArgumentStopsTheStart(String argument) {
        Run run = new Run(ENOUGH, argument);

        assertThat(run.exitCode).isEqualTo(2);
        assertThat(run.err).contains(argument);
    }

    @Test
    @Tag("E65")
    void helpAndVersionStartNoServer() {
        Run help = new Run(Map.of(), "--help");
        Run version = new Run(Map.of(), "--version");

        assertThat(help.exitCode).isZero();
        assertThat(help.out).contains("--check").contains("CLIENT_SECRET_FILE").contains("SEAL_KEYS");
        assertThat(version.exitCode).isZero();
        assertThat(version.out).startsWith("exchange-server ");
    }

    @Test
    @Tag("E65")
    @Tag("C76")
    void wrongVariablesEndTheProgramWithTheirNames() {
        Run run = new Run(Map.of("CLIENT_ID", "client", "CLIENT_SECRET", "changeme", "REQUIRE_PCKE", "true"));

        assertThat(run.exitCode).isEqualTo(2);
        assertThat(run.err).contains("CLIENT_SECRET is a word").contains("REQUIRE_PCKE is not known: REQUIRE_PKCE?");
    }

    @ParameterizedTest(name = "{0}={1}")
    @Tag("C51")
    @Tag("C76")
    @CsvSource(
            delimiter = '|',
            value = {
                "CLIENT_SECRET      |                          | set it, or CLIENT_SECRET_FILE to the name of a file",
                "CLIENT_SECRET      | changeme                 | copy the value from the provider's dashboard",
                "CLIENT_SECRET      | \"a-real-secret\"          | is in quotes: remove them",
                "CLIENT_SECRET      | ${SECRET}                | placeholder",
                "CLIENT_SECRET      | ...                      | placeholder",
                "CLIENT_SECRET_FILE | /nowhere/secret          | names a file that does not exist",
                "REQUIRE_PCKE       | true                     | REQUIRE_PKCE?",
                "PUBLIC_URL         | http://auth.example.com  | must start with https://",
                "PUBLIC_URL         | https://auth.example.com | SEAL_KEYS is not set, and PUBLIC_URL is https: make a key with openssl rand -base64 32",
                "SEAL_KEYS          | c2hvcnQ=                 | openssl rand -base64 32",
                "SEAL_KEYS          | AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= | openssl rand -base64 32",
                "PORT               | 80800                    | is not a port from 0 (any free one) to 65535",
                "BIND_ADDRESS       | localhost                | is not an IP address: 127.0.0.1 for this machine, 0.0.0.0 for all",
                "BIND_ADDRESS       | 192.0.2.1                | set PUBLIC_URL to the https URL that they use",
                "RETURN_URIS        | *                        | has a wrong entry: number 1 is not a URL",
                "SCOPES             | a,b                      | separate scopes by spaces",
                "TRUSTED_PROXIES    | nginx                    | is not a list of IP addresses and ranges such as 10.0.0.0/8",
                "ALLOWED_ORIGINS    | *                        | is not a list of origins such as https://app.example",
                "KEEP_ALIVE         | long                     | is not a duration such as 500ms, 75s",
                "TLS_CERTIFICATE    | /nowhere/crt             | TLS_CERTIFICATE and TLS_PRIVATE_KEY belong together",
                "REDIS_URL          | localhost:6379           | is not a URL such as redis://host:6379",
                "METRICS_PORT       | 9090                     | METRICS_HTTP_PORT?"
            })
    void aWrongConfigurationStopsTheStartAndSaysWhatToDo(String name, @Nullable String value, String remedy) {
        Map<String, String> variables = new HashMap<>(ENOUGH);
        variables.remove(name.replace("_FILE", ""));
        if (value != null) {
            variables.put(name, value);
        }
        Run run = new Run(variables);

        assertThat(run.exitCode).isEqualTo(2);
        assertThat(run.out).isEmpty();
        assertThat(run.err).contains(name).contains(remedy).doesNotContain("Exception");
    }

    @ParameterizedTest(name = "the provider says {1} with status {0}")
    @CsvSource({
        "400, invalid_grant, 0",
        "401, invalid_client, 1",
        "400, unauthorized_client, 1",
        "400, invalid_request, 0"
    })
    void theCheckDistinguishesAWrongSecretFromARightOne(int status, String error, int exitCode) {
        try (FakeProvider provider = new FakeProvider()) {
            provider.respondsWith(status, "{\"error\":\"" + error + "\"}");

            Run run = new Run(atProvider(provider), "--check");

            assertThat(run.exitCode).isEqualTo(exitCode);
            assertThat(run.out + run.err).contains("CLIENT_SECRET").doesNotContain(Exchange.SECRET);
        }
    }

    @Test
    void theCheckNamesAProviderThatCannotBeReached() {
        FakeProvider provider = new FakeProvider();
        Map<String, String> variables = atProvider(provider);
        provider.close();

        assertThat(new Run(variables, "--check").exitCode).isEqualTo(1);
    }

    @Test
    void theCheckFindsARedisThatDoesNotRespond() {
        try (FakeProvider provider = new FakeProvider();
                RedisProcess redis = new RedisProcess("--requirepass", "canary")) {
            provider.respondsWith(400, "{\"error\":\"invalid_grant\"}");
            Map<String, String> variables = atProvider(provider);
            variables.put("SEAL_KEYS", Exchange.KEY);
            variables.put("REDIS_URL", redis.url().replace("//", "//:canary@"));
            assertThat(new Run(variables, "--check").out).contains("Redis responds");
            assertThat(new Run(variables, "--check").exitCode).isZero();

            variables.put("REDIS_URL", redis.url().replace("//", "//:canary-wrong@"));
            Run wrongPassword = new Run(variables, "--check");
            assertThat(wrongPassword.exitCode).isEqualTo(1);
            assertThat(wrongPassword.err)
                    .contains("REDIS_URL: Redis does not respond")
                    .contains("WRONGPASS")
                    .doesNotContain("canary");
            redis.stop();
            assertThat(new Run(variables, "--check").err).contains("Connection refused");
        }
    }

    @Test
    void theCheckFindsAKeyOfAnotherCertificate(@TempDir Path directory) throws Exception {
        Certificate one = Certificate.create(directory, "one");
        Certificate two = Certificate.create(directory, "two");
        Map<String, String> variables = new HashMap<>(ENOUGH);
        variables.put("PUBLIC_URL", "https://localhost");
        variables.put("SEAL_KEYS", Exchange.KEY);
        variables.put("TLS_CERTIFICATE", one.chain().toString());
        variables.put("TLS_PRIVATE_KEY", two.privateKey().toString());

        Run run = new Run(variables, "--check");

        assertThat(run.exitCode).isEqualTo(2);
        assertThat(run.err).contains("TLS_CERTIFICATE or TLS_PRIVATE_KEY cannot be used");
    }

    private static Map<String, String> atProvider(FakeProvider provider) {
        Map<String, String> variables = new HashMap<>(ENOUGH);
        variables.put("PROVIDER_TOKEN_URL", provider.uri("/api/token").toString());
        return variables;
    }

    @Test
    @Tag("E77")
    void aPortInUseAndAForeignAddressAreNamed() {
        try (Exchange exchange = new Exchange()) {
            Map<String, String> taken = new HashMap<>(ENOUGH);
            taken.put("PORT", String.valueOf(exchange.port()));
            Map<String, String> foreign = new HashMap<>(ENOUGH);
            foreign.put("PORT", "0");
            foreign.put("BIND_ADDRESS", "192.0.2.1");
            foreign.put("PUBLIC_URL", "http://localhost");

            assertThat(new Run(taken).err).contains("PORT " + exchange.port() + " is in use");
            assertThat(new Run(foreign).err).contains("192.0.2.1 is not an address of this machine");
            assertThat(new Run(foreign).exitCode).isEqualTo(1);
        }
    }

    @Test
    @Tag("E77")
    void aPortWithoutTheRightIsNamed() {
        Map<String, String> variables = new HashMap<>(ENOUGH);
        variables.put("PORT", "443");

        assertThat(BindFailure.explain(
                        new IOException(new SocketException("Permission denied")),
                        ExchangeServerConfig.from(variables)))
                .contains("below 1024");
    }

    @Test
    @Tag("C72")
    void aSecretThatOthersMayReadIsWarnedOf(@TempDir Path directory) throws IOException {
        Path file = Files.writeString(directory.resolve("secret"), "x");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r--r--"));
        ExchangeServerConfig config = ExchangeServerConfig.from(
                Map.of("CLIENT_ID", "client", "CLIENT_SECRET_FILE", file.toString(), "MAX_CONNECTIONS", "1"));
        assertThat(Program.warnings(config, "exchange"))
                .singleElement()
                .asString()
                .contains(file.toString())
                .contains("chmod o-r");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r-----"));
        assertThat(Program.warnings(config, "exchange")).isEmpty();
    }

    @Test
    @Tag("C72")
    void rootIsWarned() {
        Map<String, String> variables = new HashMap<>(ENOUGH);
        variables.put("MAX_CONNECTIONS", "1");

        assertThat(Program.warnings(ExchangeServerConfig.from(variables), "root"))
                .singleElement()
                .asString()
                .contains("runs as root")
                .contains("User=");
    }

    @Test
    @Tag("E64")
    void theProviderGetsNoMoreRequestsThanThereArePlaces() {
        try (Exchange exchange =
                new Exchange(Map.of("PROVIDER_CONNECTIONS", "1", "PROVIDER_WAITING", "1", "METRICS_HTTP_PORT", "0"))) {
            Sinks.Empty<Void> gate = Sinks.empty();
            exchange.provider.waitsFor(gate.asMono());
            var first = exchange.refreshAsync("rt-1");
            exchange.provider.arrived().block();
            var second = exchange.refreshAsync("rt-2");
            while (!exchange.metrics().contains("exchange_provider_waiting 1.0")) {
                Thread.onSpinWait();
            }
            HttpResponse<String> third = exchange.refresh("rt-3");

            assertThat(third.statusCode()).isEqualTo(503);
            assertThat(third.body()).contains("\"processed\":\"no\"");
            gate.tryEmitEmpty();
            assertThat(first.join().statusCode()).isEqualTo(200);
            assertThat(second.join().statusCode()).isEqualTo(200);
        }
    }

    /** One run of the program that ends by itself. */
    private static final class Run {

        final int exitCode;
        final String out;
        final String err;

        Run(Map<String, String> variables, String... arguments) {
            StringWriter outText = new StringWriter();
            StringWriter errText = new StringWriter();
            this.exitCode =
                    Program.run(arguments, variables, new PrintWriter(outText, true), new PrintWriter(errText, true));
            this.out = outText.toString();
            this.err = errText.toString();
        }
    }
}
