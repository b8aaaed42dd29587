package io.tokenswap.samples.desktop;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jsoup.Connection;
import org.jsoup.Jsoup;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;
import reactor.util.retry.Retry;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A Keycloak of the distribution that the profile unpacks, in its own process and on the loopback address only. It keeps
 * everything in memory and knows the realm of {@code realm.json}; what it says is in {@code keycloak.log} beside it.
 */
final class Keycloak implements AutoCloseable {

    private static final String ADMIN = "admin";
    private static final int START_SECONDS = 480;
    private static final int STOP_SECONDS = 30;
    private static final int TIMEOUT_MILLIS = 120_000;

    private final Process process;
    private final URI uri;

    private Keycloak(Process process, URI uri) {
        this.process = process;
        this.uri = uri;
    }

    /**
     * Starts a server and waits until it responds. The first start of a distribution also builds it, which takes a
     * minute or more.
     */
    static Keycloak start() throws IOException {
        Path home = Path.of(System.getProperty("keycloak.home"));
        importRealm(home);
        int port = Servers.freePort();
        ProcessBuilder command = new ProcessBuilder(
                        home.resolve(File.separatorChar == '/' ? "bin/kc.sh" : "bin/kc.bat")
                                .toString(),
                        "start-dev",
                        "--import-realm",
                        "--db=dev-mem",
                        "--cache=local",
                        "--http-host=127.0.0.1",
                        "--http-port=" + port)
                .redirectErrorStream(true)
                .redirectOutput(home.resolveSibling("keycloak.log").toFile());
        command.environment()
                .putAll(Map.of(
                        "JAVA_HOME",
                        System.getProperty("java.home"),
                        "JAVA_OPTS_KC_HEAP",
                        "-Xms64m -Xmx512m",
                        "KC_BOOTSTRAP_ADMIN_USERNAME",
                        ADMIN,
                        "KC_BOOTSTRAP_ADMIN_PASSWORD",
                        ADMIN));
        Keycloak keycloak = new Keycloak(command.start(), URI.create("http://127.0.0.1:" + port));
        try {
            keycloak.awaitStart();
            // The first token takes longest.
            keycloak.endAllSessions();
            return keycloak;
        } catch (IOException | RuntimeException | Error e) {
            keycloak.close();
            throw e;
        }
    }

    private static void importRealm(Path home) throws IOException {
        Path imported = Files.createDirectories(home.resolve("data/import"));
        try (InputStream realm = Objects.requireNonNull(Keycloak.class.getResourceAsStream("realm.json"))) {
            Files.copy(realm, imported.resolve("realm.json"), StandardCopyOption.REPLACE_EXISTING);
        }
    }

    private void awaitStart() {
        Mono.fromCallable(() -> request("/realms/tokenswap").execute())
                .subscribeOn(Schedulers.boundedElastic())
                .retryWhen(
                        Retry.fixedDelay(START_SECONDS, Duration.ofSeconds(1)).filter(error -> process.isAlive()))
                .block();
    }

    URI authorizeUri() {
        return uri.resolve("/realms/tokenswap/protocol/openid-connect/auth");
    }

    URI tokenUri() {
        return uri.resolve("/realms/tokenswap/protocol/openid-connect/token");
    }

    /** Signs all users out, as an administrator does. */
    void endAllSessions() throws IOException {
        administer("/logout-all").method(Connection.Method.POST).execute();
    }

    /** Forgets what the users have consented to. */
    void forgetConsents() throws IOException {
        for (JsonNode user : read(administer("/users").execute())) {
            String consents = "/users/" + user.get("id").asString() + "/consents";
            for (JsonNode consent : read(administer(consents).execute())) {
                administer(consents + "/" + consent.get("clientId").asString())
                        .method(Connection.Method.DELETE)
                        .execute();
            }
        }
    }

    private Connection administer(String path) throws IOException {
        Connection.Response token = request("/realms/master/protocol/openid-connect/token")
                .data("grant_type", "password", "client_id", "admin-cli", "username", ADMIN, "password", ADMIN)
                .method(Connection.Method.POST)
                .execute();
        return request("/admin/realms/tokenswap" + path)
                .header(
                        "Authorization",
                        "Bearer " + read(token).get("access_token").asString());
    }

    private static JsonNode read(Connection.Response response) {
        return JsonMapper.shared().readTree(response.body());
    }

    private Connection request(String path) {
        return Jsoup.connect(uri.resolve(path).toString())
                .timeout(TIMEOUT_MILLIS)
                .ignoreContentType(true);
    }

    /** Ends the process, and the one that its start script has started. */
    @Override
    public void close() {
        List<ProcessHandle> processes = Stream.concat(process.descendants(), Stream.of(process.toHandle()))
                .toList();
        processes.forEach(ProcessHandle::destroy);
        try {
            if (!process.waitFor(STOP_SECONDS, TimeUnit.SECONDS)) {
                processes.forEach(ProcessHandle::destroyForcibly);
            }
        } catch (InterruptedException e) {
            processes.forEach(ProcessHandle::destroyForcibly);
            Thread.currentThread().interrupt();
        }
    }
}
