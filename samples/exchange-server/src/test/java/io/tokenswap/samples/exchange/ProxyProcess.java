package io.tokenswap.samples.exchange;

import java.io.IOException;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;
import reactor.util.retry.Retry;

/** A real proxy on a free port of this machine, with the configuration that the README shows. */
final class ProxyProcess implements AutoCloseable {

    private static final String BACKEND = "127.0.0.1:8080";

    private final Process process;
    private final int port;
    private final Path directory;

    private ProxyProcess(Process process, int port, Path directory) {
        this.process = process;
        this.port = port;
        this.directory = directory;
        Mono.fromCallable(() -> {
                    if (!process.isAlive()) {
                        throw new IllegalStateException("The proxy has ended: " + logs());
                    }
                    new Socket("127.0.0.1", port).close();
                    return port;
                })
                .subscribeOn(Schedulers.boundedElastic())
                .retryWhen(Retry.fixedDelay(600, Duration.ofMillis(50)))
                .block(Duration.ofSeconds(30));
    }

    static boolean isInstalled(String program) {
        return List.of("/usr/sbin/", "/usr/bin/", "/usr/local/sbin/").stream()
                .anyMatch(place -> Files.isExecutable(Path.of(place + program)));
    }

    /** Returns the block of the README that follows a line which begins with this text. */
    static String snippet(String title) throws IOException {
        Matcher block = Pattern.compile("^" + title + "[^\n]*:\n\n((?:    [^\n]*\n)+)", Pattern.MULTILINE)
                .matcher(Files.readString(Path.of("README.md")));
        if (!block.find()) {
            throw new IllegalStateException("The README shows no configuration of " + title);
        }
        return block.group(1).replaceAll("(?m)^ {4}", "");
    }

    static ProxyProcess nginx(Path directory, Certificate certificate, String snippet, int port, int... backends)
            throws IOException {
        String servers = IntStream.of(backends)
                .mapToObj(backend -> "server 127.0.0.1:" + backend + ";")
                .collect(Collectors.joining(" "));
        String http = replace(snippet, "server " + BACKEND + ";", servers);
        http = replace(http, "listen 443 ssl;", "listen 127.0.0.1:" + port + " ssl;");
        http = replace(
                http, "/etc/ssl/auth.example.com.crt", certificate.chain().toString());
        http = replace(
                http, "/etc/ssl/auth.example.com.key", certificate.privateKey().toString());
        http = http.replace("/var/log/nginx", directory.toString());
        String paths = List.of("client_body", "proxy", "fastcgi", "uwsgi", "scgi").stream()
                .map(kind -> kind + "_temp_path " + directory.resolve(kind) + ";\n")
                .collect(Collectors.joining());
        Path file = Files.writeString(
                directory.resolve("nginx.conf"),
                "daemon off;\nmaster_process off;\npid " + directory.resolve("nginx.pid") + ";\n"
                        + "events {}\nhttp {\n" + paths + http + "}\n");
        return start(
                directory,
                port,
                "nginx",
                "-e",
                directory.resolve("start.log").toString(),
                "-p",
                directory.toString(),
                "-c",
                file.toString());
    }

    static ProxyProcess haproxy(Path directory, Certificate certificate, String snippet, int port, int... backends)
            throws IOException {
        String line = snippet.lines()
                .filter(each -> each.contains(BACKEND))
                .findFirst()
                .orElseThrow();
        String servers = IntStream.of(backends)
                .mapToObj(backend -> line.replace("one ", "s" + backend + " ").replace(BACKEND, "127.0.0.1:" + backend))
                .collect(Collectors.joining("\n"));
        String config = replace(snippet, line, servers);
        config = replace(config, "bind :443", "bind 127.0.0.1:" + port);
        config = replace(
                config, "/etc/haproxy/auth.example.com.pem", certificate.both().toString());
        config = replace(config, "log /dev/log local0", "log stdout format raw daemon");
        // Else a check lasts as long as the time between two, and a slow machine would take a server down.
        config = replace(config, "option httpchk", "timeout check 30s\n    option httpchk");
        Path file = Files.writeString(directory.resolve("haproxy.cfg"), config);
        return start(directory, port, "haproxy", "-db", "-f", file.toString());
    }

    static ProxyProcess caddy(Path directory, Certificate certificate, String snippet, int port, int... backends)
            throws IOException {
        String servers = IntStream.of(backends)
                .mapToObj(backend -> "127.0.0.1:" + backend)
                .collect(Collectors.joining(" "));
        String site = replace(snippet, BACKEND, servers);
        site = replace(
                site,
                "auth.example.com {",
                "https://localhost:" + port + ", https://127.0.0.1:" + port + " {\n    tls " + certificate.chain() + " "
                        + certificate.privateKey());
        site = site.replace("/var/log/caddy", directory.toString());
        Path file = Files.writeString(
                directory.resolve("Caddyfile"),
                "{\n    admin off\n    auto_https disable_redirects\n    storage file_system " + directory + "\n}\n"
                        + site);
        return start(directory, port, "caddy", "run", "--adapter", "caddyfile", "--config", file.toString());
    }

    private static String replace(String text, String old, String fresh) {
        if (!text.contains(old)) {
            throw new IllegalStateException("The README no longer has: " + old);
        }
        return text.replace(old, fresh);
    }

    private static ProxyProcess start(Path directory, int port, String... command) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(directory.resolve("output.log").toFile());
        builder.environment().merge("PATH", "/usr/sbin", (path, sbin) -> path + ":" + sbin);
        builder.environment().put("HOME", directory.toString());
        return new ProxyProcess(builder.start(), port, directory);
    }

    int port() {
        return port;
    }

    /** All that it has written, access logs included. */
    String logs() throws IOException {
        StringBuilder all = new StringBuilder();
        try (var files = Files.list(directory)) {
            for (Path file :
                    files.filter(name -> name.toString().endsWith(".log")).toList()) {
                all.append(Files.readString(file));
            }
        }
        return all.toString();
    }

    @Override
    public void close() {
        process.destroy();
        process.onExit().join();
    }
}
