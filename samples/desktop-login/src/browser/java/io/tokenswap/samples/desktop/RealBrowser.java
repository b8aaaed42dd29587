package io.tokenswap.samples.desktop;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.Stream;
import org.openqa.selenium.bidi.BiDi;
import org.openqa.selenium.bidi.Command;
import org.openqa.selenium.bidi.Connection;
import org.openqa.selenium.bidi.Event;
import org.openqa.selenium.chrome.ChromeDriver;
import org.openqa.selenium.chrome.ChromeDriverService;
import org.openqa.selenium.chrome.ChromeOptions;
import org.openqa.selenium.remote.http.ClientConfig;
import org.openqa.selenium.remote.http.HttpClient;
import org.springframework.util.FileSystemUtils;
import reactor.core.publisher.Mono;
import reactor.util.retry.Retry;

/**
 * A browser as people have it, without a window. Both are spoken to in WebDriver BiDi, so that each test is written once: to
 * Chromium through its driver, to Firefox directly, because Debian has no driver for it.
 */
final class RealBrowser implements AutoCloseable {

    /** A request that was sent, or what became of it. */
    record Traffic(String context, String method, String url, int status) {}

    enum Kind {
        CHROMIUM,
        FIREFOX;

        RealBrowser start() {
            return this == CHROMIUM ? chromium() : firefox();
        }
    }

    /** All of them, or those that {@code -Dbrowsers} names. */
    static Stream<Kind> chosen() {
        return Stream.of(System.getProperty("browsers", "chromium,firefox").split(","))
                .map(name -> Kind.valueOf(name.strip().toUpperCase(Locale.ROOT)));
    }

    /** Name that leads to this machine and does not belong to it, as in a rebinding attack. */
    static final String REBOUND_NAME = "rebound.test";

    private static final Logger SELENIUM = Logger.getLogger("org.openqa.selenium");
    private static final String LISTENING = "WebDriver BiDi listening on ";

    private final BiDi bidi;
    private final Runnable end;
    private final List<Traffic> sent = new CopyOnWriteArrayList<>();
    private final List<Traffic> ended = new CopyOnWriteArrayList<>();
    private final List<Map<String, Object>> console = new CopyOnWriteArrayList<>();

    private RealBrowser(BiDi bidi, Runnable end) {
        this.bidi = bidi;
        this.end = end;
        listen("network.beforeRequestSent", event -> sent.add(traffic(event, 0)));
        listen("network.responseCompleted", event -> ended.add(traffic(event, status(event))));
        listen("network.fetchError", event -> ended.add(traffic(event, 0)));
        listen("log.entryAdded", console::add);
    }

    private static RealBrowser chromium() {
        // It misses its classes for Chromium's own protocol, of which there is no need here.
        SELENIUM.setLevel(Level.SEVERE);
        Path profile = temporaryFolder();
        ChromeOptions options = new ChromeOptions()
                .setBinary(program("chromium", "chromium"))
                .addArguments(
                        "--headless=new",
                        "--no-sandbox",
                        "--disable-gpu",
                        "--disable-quic",
                        "--no-first-run",
                        "--disable-background-networking",
                        "--disable-component-update",
                        "--disable-sync",
                        "--host-resolver-rules=MAP " + REBOUND_NAME + " 127.0.0.1",
                        "--user-data-dir=" + profile);
        options.enableBiDi();
        ChromeDriver driver = new ChromeDriver(
                new ChromeDriverService.Builder()
                        .usingDriverExecutable(program("chromedriver", "chromium-driver"))
                        .build(),
                options);
        return new RealBrowser(driver.getBiDi(), () -> {
            driver.quit();
            delete(profile);
        });
    }

    private static RealBrowser firefox() {
        Path profile = temporaryFolder();
        try {
            Files.writeString(profile.resolve("user.js"), """
                    user_pref("network.dns.localDomains", "%s");
                    user_pref("network.captive-portal-service.enabled", false);
                    user_pref("network.connectivity-service.enabled", false);
                    user_pref("datareporting.policy.dataSubmissionEnabled", false);
                    """.formatted(REBOUND_NAME));
            Path output = profile.resolve("output");
            Process process = new ProcessBuilder(
                            program("firefox", "firefox-esr").getPath(),
                            "--headless",
                            "--no-remote",
                            "--profile",
                            profile.toString(),
                            "--remote-debugging-port=0")
                    .redirectErrorStream(true)
                    .redirectOutput(output.toFile())
                    .start();
            await(() -> Files.readString(output).contains(LISTENING));
            String address = Files.readString(output)
                            .split(LISTENING)[1]
                            .lines()
                            .iterator()
                            .next() + "/session";
            BiDi bidi = new BiDi(
                    new Connection(
                            HttpClient.Factory.createDefault()
                                    .createClient(ClientConfig.defaultConfig().baseUri(URI.create(address))),
                            address),
                    Duration.ofMinutes(1));
            bidi.send(new Command<>("session.new", Map.of("capabilities", Map.of()), Map.class));
            return new RealBrowser(bidi, () -> {
                bidi.send(new Command<>("browser.close", Map.of()));
                process.onExit().orTimeout(20, TimeUnit.SECONDS).join();
                delete(profile);
            });
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The file that a property names, or what the PATH has under the program's name or its package's. */
    private static File program(String name, String debianPackage) {
        String given = System.getProperty(name);
        Stream<Path> candidates = given != null
                ? Stream.of(Path.of(given))
                : Stream.of(System.getenv("PATH").split(File.pathSeparator))
                        .flatMap(folder -> Stream.of(name, debianPackage).map(file -> Path.of(folder, file)));
        return candidates
                .filter(Files::isExecutable)
                .findFirst()
                .map(Path::toFile)
                .orElseThrow(() -> new IllegalStateException("There is no " + (given == null ? name : given)
                        + ": install the package " + debianPackage + ", or name the program with -D" + name
                        + "=FILE; -Dbrowsers=chromium does without Firefox"));
    }

    private static Path temporaryFolder() {
        try {
            return Files.createTempDirectory("real-browser");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void delete(Path folder) {
        try {
            FileSystemUtils.deleteRecursively(folder);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Traffic traffic(Map<String, Object> event, int status) {
        Map<?, ?> request = (Map<?, ?>) event.get("request");
        return new Traffic(
                String.valueOf(event.get("context")),
                (String) request.get("method"),
                (String) request.get("url"),
                status);
    }

    private static int status(Map<String, Object> event) {
        return ((Number) ((Map<?, ?>) event.get("response")).get("status")).intValue();
    }

    private void listen(String event, Consumer<Map<String, Object>> listener) {
        bidi.addListener(new Event<>(event, parameters -> parameters), listener);
    }

    Map<?, ?> send(String method, Map<String, Object> parameters) {
        return bidi.send(new Command<Map<?, ?>>(method, parameters, Map.class));
    }

    Tab newTab() {
        return new Tab(this, (String)
                send("browsingContext.create", Map.of("type", "tab")).get("context"));
    }

    /** The tabs that are open, by their ids. */
    List<String> tabs() {
        return ((List<?>) send("browsingContext.getTree", Map.of()).get("contexts"))
                .stream().map(tab -> (String) ((Map<?, ?>) tab).get("context")).toList();
    }

    /** Waits for what the browser does by itself. */
    static void await(Callable<Boolean> condition) {
        Mono.fromCallable(condition)
                .filter(Boolean::booleanValue)
                .switchIfEmpty(Mono.error(() -> new AssertionError("The browser did not come to that")))
                .retryWhen(Retry.fixedDelay(300, Duration.ofMillis(100))
                        .onRetryExhaustedThrow((spec, last) -> last.failure()))
                .block();
    }

    List<Traffic> sent() {
        return sent;
    }

    List<Traffic> ended() {
        return ended;
    }

    List<Map<String, Object>> console() {
        return console;
    }

    @Override
    public void close() {
        end.run();
    }
}
