package io.tokenswap.callback;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.tokenswap.AuthorizationCode;
import io.tokenswap.AuthorizationRequest;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;
import reactor.test.StepVerifier;

/** Openers are shell scripts here; the browser that runs them uses no shell. */
class SystemBrowserTest {

    private static final URI LOGIN = URI.create("https://auth.example.com/?state=s&a=%22$(x)'");
    private static final Duration LONG = Duration.ofSeconds(20);

    @TempDir
    Path directory;

    @BeforeEach
    void scriptsRunHere() {
        assumeThat(System.getProperty("os.name")).doesNotStartWith("Windows");
    }

    private List<String> opener(String name, String script) throws IOException {
        Path file = directory.resolve(name);
        Files.writeString(file, "#!/bin/sh\n" + script + "\n");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwx------"));
        return List.of(file.toString());
    }

    private List<String> recording(String name) throws IOException {
        Path arguments = directory.resolve(name + ".arguments");
        return opener(name, "for a in \"$@\"; do printf '%s\\n' \"$a\"; done > " + arguments);
    }

    private List<String> arguments(String name) throws IOException {
        return Files.readAllLines(directory.resolve(name + ".arguments"));
    }

    static Stream<Arguments> systems() {
        Map<String, String> display = Map.of("DISPLAY", ":0");
        return Stream.of(
                Arguments.of("Mac OS X", Map.of(), List.of("open")),
                Arguments.of("Windows 11", Map.of(), List.of("C:\\Windows\\System32\\rundll32.exe")),
                Arguments.of("Windows 11", Map.of("SystemRoot", "D:\\W"), List.of("D:\\W\\System32\\rundll32.exe")),
                Arguments.of("Linux", display, List.of("xdg-open", "gio", "kde-open")),
                Arguments.of("Linux", Map.of("WAYLAND_DISPLAY", "wayland-0"), List.of("xdg-open", "gio", "kde-open")),
                Arguments.of("Linux", Map.of("WSL_DISTRO_NAME", "Debian"), List.of("wslview", "rundll32.exe")),
                Arguments.of("Linux", Map.of(), List.of()),
                Arguments.of("Linux", Map.of("DISPLAY", ""), List.of()),
                Arguments.of("FreeBSD", display, List.of("xdg-open", "gio", "kde-open")));
    }

    @ParameterizedTest(name = "{0} {1}: {2}")
    @Tag("A64")
    @MethodSource("systems")
    void eachSystemHasItsOpeners(String os, Map<String, String> environment, List<String> programs) {
        assertThat(SystemBrowser.openers(os.toLowerCase(java.util.Locale.ROOT), environment))
                .extracting(command -> command.get(0))
                .isEqualTo(programs)
                .doesNotContain("cmd", "sh", "bash", "start");
    }

    @Test
    @Tag("A64")
    void withoutADisplayTheErrorIsTyped() {
        StepVerifier.create(SystemBrowser.create("Linux", Map.of()).open(LOGIN))
                .verifyErrorSatisfies(error -> assertThat(error)
                        .isInstanceOf(BrowserUnavailableException.class)
                        .hasMessageContaining("no display")
                        .hasMessageNotContaining("state"));
    }

    @Test
    @Tag("A64")
    void anOpenerThatIsMissingOrFailsIsFollowedByTheNext() throws IOException {
        SystemBrowser browser = new SystemBrowser(
                List.of(
                        List.of(directory.resolve("missing").toString()),
                        opener("failing", "exit 3"),
                        recording("good"),
                        recording("unneeded")),
                LONG);

        StepVerifier.create(browser.open(LOGIN)).verifyComplete();
        assertThat(arguments("good")).containsExactly(LOGIN.toString());
        assertThat(directory.resolve("unneeded.arguments")).doesNotExist();
    }

    @Test
    @Tag("A64")
    void whenNoneSucceedsTheFallbackGetsTheUrl() throws IOException {
        AtomicReference<URI> shown = new AtomicReference<>();
        Browser browser =
                new SystemBrowser(List.of(opener("failing", "exit 3")), LONG).orElse(Browser.printing(shown::set));

        StepVerifier.create(browser.open(LOGIN)).verifyComplete();
        assertThat(shown).hasValue(LOGIN);
    }

    @Test
    @Tag("A64")
    void whenBothFailBothErrorsAreKnown() throws IOException {
        Browser browser = new SystemBrowser(List.of(opener("failing", "exit 3")), LONG)
                .orElse(uri -> Mono.error(new IllegalStateException("second")));

        StepVerifier.create(browser.open(LOGIN))
                .verifyErrorSatisfies(error ->
                        assertThat(error).hasMessage("second").hasSuppressedException(error.getSuppressed()[0]));
    }

    @ParameterizedTest(name = "{0}")
    @Tag("A65")
    @ValueSource(
            strings = {
                "https://h/?a=b&c=d",
                "https://h/?a='b'",
                "https://h/?a=$(id)",
                "https://h/?a=;id;",
                "https://h/?a=%0Aid",
                "https://h/?a=*!~()",
                "http://h/-x?--help",
                "https://h/?a=\u00e4\u4e2d",
                "HTTPS://h/"
            })
    void urlIsOneArgument(String url) throws IOException {
        SystemBrowser browser = new SystemBrowser(List.of(recording("opener")), LONG);

        StepVerifier.create(browser.open(URI.create(url))).verifyComplete();
        assertThat(arguments("opener")).containsExactly(URI.create(url).toASCIIString());
    }

    @ParameterizedTest(name = "{0}")
    @Tag("A65")
    @ValueSource(strings = {"file:///etc/passwd", "javascript:alert(1)", "ms-settings:about", "-x", "//h/", "/bin/sh"})
    void onlyHttpIsOpened(String url) throws IOException {
        SystemBrowser browser = new SystemBrowser(List.of(recording("opener")), LONG);

        StepVerifier.create(browser.open(URI.create(url))).verifyError(BrowserUnavailableException.class);
        assertThat(directory.resolve("opener.arguments")).doesNotExist();
    }

    @Test
    @Tag("A66")
    void anOpenerThatHangsIsKilledAndNoOtherIsTried() throws IOException {
        Path pid = directory.resolve("pid");
        SystemBrowser browser = new SystemBrowser(
                List.of(opener("hanging", "echo $$ > " + pid + "; exec sleep 100"), recording("unneeded")),
                Duration.ofMillis(500));

        StepVerifier.create(browser.open(LOGIN))
                .verifyErrorSatisfies(error -> assertThat(error)
                        .isInstanceOf(BrowserUnavailableException.class)
                        .hasMessageContaining("did not return"));
        ProcessHandle.of(Long.parseLong(Files.readString(pid).trim()))
                .ifPresent(process -> process.onExit().join());
        assertThat(directory.resolve("unneeded.arguments")).doesNotExist();
    }

    @Test
    @Tag("A64")
    void anOpenerThatHangsLeavesTheLoginToTheFallback() throws IOException {
        CompletableFuture<URI> shown = new CompletableFuture<>();
        Browser browser = new SystemBrowser(List.of(opener("hanging", "exec sleep 100")), Duration.ofMillis(200))
                .orElse(Browser.printing(shown::complete));
        CompletableFuture<AuthorizationCode> code = WaitingLogin.RECEIVER
                .receive(
                        uri -> AuthorizationRequest.builder(URI.create("https://auth.example.com/"))
                                .build(uri),
                        browser)
                .toFuture();

        assertThat(LoginFlowTest.signIn(Awaited.of(shown)).status()).isEqualTo(200);
        assertThat(Awaited.of(code).secret()).isEqualTo(WaitingLogin.CODE);
    }

    @Test
    @Tag("A66")
    void anOpenerHas10Seconds() {
        assertThat(SystemBrowser.LONGEST).isEqualTo(Duration.ofSeconds(10));
    }

    @Test
    @Tag("A66")
    void anOpenerIsKilledWhenTheLoginHasEnded() throws IOException {
        Path pid = directory.resolve("pid");
        SystemBrowser browser =
                new SystemBrowser(List.of(opener("hanging", "echo $$ > " + pid + "; exec sleep 100")), LONG);
        Disposable opening = browser.open(LOGIN).subscribe();
        NothingIsLeft.eventually(() -> assertThat(pid).isNotEmptyFile());
        opening.dispose();

        ProcessHandle.of(Long.parseLong(Files.readString(pid).trim()))
                .ifPresent(process -> Awaited.of(process.onExit()));
    }

    @Test
    @Tag("A66")
    void aTalkativeOpenerDoesNotBlock() throws IOException {
        SystemBrowser browser = new SystemBrowser(
                List.of(opener(
                        "talkative",
                        "i=0; while [ $i -lt 3000 ]; do echo \"line $i of a lot of output without a reader\"; "
                                + "echo \"and an error $i\" >&2; i=$((i+1)); done; cat")),
                LONG);

        StepVerifier.create(browser.open(LOGIN)).verifyComplete();
    }

    @Test
    @Tag("A66")
    void anEventLoopMayOpenIt() throws IOException {
        SystemBrowser browser = new SystemBrowser(List.of(recording("opener")), LONG);

        // BlockHound fails this if the process is started on the thread that subscribes.
        StepVerifier.create(Mono.defer(() -> browser.open(LOGIN)).subscribeOn(Schedulers.parallel()))
                .verifyComplete();
    }

    @Test
    @Tag("A67")
    void theUrlIsShownWhateverBecomesOfTheBrowser() throws IOException {
        List<URI> shown = new ArrayList<>();
        Browser failing = new SystemBrowser(List.of(opener("failing", "exit 3")), LONG).alsoShowing(shown::add);
        Browser working = new SystemBrowser(List.of(recording("good")), LONG).alsoShowing(shown::add);

        StepVerifier.create(failing.open(LOGIN)).verifyComplete();
        StepVerifier.create(working.open(LOGIN)).verifyComplete();
        assertThat(shown).containsExactly(LOGIN, LOGIN);
        assertThat(arguments("good")).containsExactly(LOGIN.toString());
    }

    @Test
    @Tag("A67")
    void theUrlOfEachLoginIsShown() {
        List<URI> shown = new ArrayList<>();
        Browser browser = Browser.printing(shown::add);

        browser.open(LOGIN).block();
        browser.open(URI.create("https://h/")).block();

        assertThat(shown).containsExactly(LOGIN, URI.create("https://h/"));
    }
}
