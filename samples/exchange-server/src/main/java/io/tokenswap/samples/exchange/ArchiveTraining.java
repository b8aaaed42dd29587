package io.tokenswap.samples.exchange;

import io.netty.buffer.Unpooled;
import io.tokenswap.internal.RandomBytes;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.netty.DisposableServer;
import reactor.netty.http.client.HttpClient;
import reactor.netty.http.server.HttpServer;

/**
 * Makes the archive with which the JVM starts this server, for the script {@code archive}. It runs the server of a jar as
 * a process, refreshes there with a provider in this process, and ends it. The archive holds the classes, or from JDK 25
 * on also the profiles of the methods, so that the next process compiles them sooner.
 *
 * <p>The first argument is the jar, the second the number of refreshes, the third {@code classes} or {@code profiles}.
 */
final class ArchiveTraining {

    private static final int CLIENTS = 64;
    private static final int FIRST_WITH_PROFILES = 25;
    private static final Pattern REFRESH_TOKEN = Pattern.compile("\"refresh_token\":\"([^\"]+)\"");

    private ArchiveTraining() {}

    public static void main(String[] args) throws IOException, InterruptedException {
        Path jar = Path.of(args[0]).toAbsolutePath();
        int refreshes = Integer.parseInt(args[1]);
        boolean profiles = args[2].equals("profiles");
        if (profiles && Runtime.version().feature() < FIRST_WITH_PROFILES) {
            throw new IllegalArgumentException("An archive of profiles needs Java 25 or newer");
        }
        Path archive = jar.resolveSibling(profiles ? "exchange-server.aot" : "exchange-server.jsa");
        String output = (profiles ? "-XX:AOTCacheOutput=" : "-XX:ArchiveClassesAtExit=") + archive;

        DisposableServer provider = provider();
        Process server = server(jar, output, "http://127.0.0.1:" + provider.port() + "/token");
        try {
            refresh(url(server) + "/refresh", refreshes);
            server.toHandle().destroy();
            server.waitFor();
        } finally {
            server.destroyForcibly();
            provider.disposeNow();
        }
        if (!Files.exists(archive)) {
            throw new IOException("The JVM has made no archive");
        }
        System.out.println((profiles ? "-XX:AOTCache=" : "-XX:SharedArchiveFile=") + archive);
        System.exit(0);
    }

    /** Starts a provider that replaces each refresh token. */
    private static DisposableServer provider() {
        AtomicInteger count = new AtomicInteger();
        return HttpServer.create()
                .host("127.0.0.1")
                .port(0)
                .handle((request, response) -> request.receive()
                        .then(response.header("Content-Type", "application/json")
                                .sendString(Mono.fromSupplier(() -> """
                                {"access_token":"access-token-%1$d","token_type":"Bearer","expires_in":3600,\
                                "scope":"user-read-private user-read-email","refresh_token":"refresh-token-%1$d"}\
                                """.formatted(count.incrementAndGet())))
                                .then()))
                .bindNow();
    }

    /** Starts the server of the jar with no settings of an operator. */
    private static Process server(Path jar, String output, String tokenUrl) throws IOException {
        String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        ProcessBuilder builder = new ProcessBuilder(
                        List.of(java, "-XX:+UseSerialGC", "-Xms16m", output, "-jar", jar.toString()))
                .redirectError(new File("/dev/null"));
        builder.environment().clear();
        builder.environment()
                .putAll(Map.of(
                        "CLIENT_ID",
                        "archive",
                        "CLIENT_SECRET",
                        "of-no-use",
                        "SEAL_KEYS",
                        Base64.getEncoder().encodeToString(RandomBytes.next(32)),
                        "ACCEPT_RAW_REFRESH_TOKENS_UNTIL",
                        LocalDate.now(ZoneOffset.UTC).plusDays(2).toString(),
                        "PORT",
                        "0",
                        "PROVIDER_TOKEN_URL",
                        tokenUrl,
                        "LIMIT_TOTAL",
                        "1000000",
                        "DRAIN_DELAY",
                        "0s"));
        return builder.start();
    }

    /** Returns the URL that the server prints first. */
    private static String url(Process server) throws IOException {
        // Not closed: the server would fail at its next line.
        BufferedReader output =
                new BufferedReader(new InputStreamReader(server.getInputStream(), StandardCharsets.UTF_8));
        String line = output.readLine();
        if (line == null) {
            throw new IOException("The server did not start");
        }
        return line.substring(line.lastIndexOf(' ') + 1);
    }

    /** Sends refreshes from several clients, each with the refresh token of its last response. */
    private static void refresh(String url, int refreshes) {
        HttpClient http = HttpClient.create()
                .headers(headers -> headers.set("Content-Type", "application/x-www-form-urlencoded"));
        Flux.range(0, CLIENTS)
                .flatMap(
                        client -> Mono.just("client-" + client)
                                .expand(refreshToken -> http.post()
                                        .uri(url)
                                        .send(Mono.fromSupplier(() -> Unpooled.copiedBuffer(
                                                "refresh_token=" + refreshToken, StandardCharsets.US_ASCII)))
                                        .responseContent()
                                        .aggregate()
                                        .asString()
                                        .map(ArchiveTraining::refreshToken))
                                .take(1 + refreshes / CLIENTS),
                        CLIENTS)
                .blockLast();
    }

    private static String refreshToken(String response) {
        Matcher matcher = REFRESH_TOKEN.matcher(response);
        if (!matcher.find()) {
            throw new IllegalStateException(response);
        }
        return matcher.group(1);
    }
}
