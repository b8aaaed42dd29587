package io.tokenswap.callback;

import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/** Opens a URL by the first command of a list that can be run and succeeds. */
final class SystemBrowser implements Browser {

    static final Duration LONGEST = Duration.ofSeconds(10);

    private final List<List<String>> openers;
    private final Duration longest;

    SystemBrowser(List<List<String>> openers, Duration longest) {
        this.openers = openers;
        this.longest = longest;
    }

    static SystemBrowser create(String os, Map<String, String> environment) {
        return new SystemBrowser(openers(os.toLowerCase(Locale.ROOT), environment), LONGEST);
    }

    /** Lists programs that pass the URL on and return. A browser that is started directly would be killed at the deadline. */
    static List<List<String>> openers(String os, Map<String, String> environment) {
        if (os.startsWith("mac") || os.startsWith("darwin")) {
            return List.of(List.of("open"));
        }
        if (os.startsWith("windows")) {
            // Not "cmd /c start": cmd would read the & and ^ of the URL. By its path: Windows would look in the current
            // directory first.
            String windows = environment.getOrDefault("SystemRoot", "C:\\Windows");
            return List.of(List.of(windows + "\\System32\\rundll32.exe", "url.dll,FileProtocolHandler"));
        }
        List<List<String>> openers = new ArrayList<>();
        if (environment.containsKey("WSL_DISTRO_NAME")) {
            openers.add(List.of("wslview"));
            openers.add(List.of("rundll32.exe", "url.dll,FileProtocolHandler"));
        }
        // Without a display xdg-open would start a text browser on the terminal of the application.
        if (isSet(environment, "DISPLAY") || isSet(environment, "WAYLAND_DISPLAY")) {
            openers.add(List.of("xdg-open"));
            openers.add(List.of("gio", "open"));
            openers.add(List.of("kde-open"));
        }
        return openers;
    }

    private static boolean isSet(Map<String, String> environment, String name) {
        return !environment.getOrDefault(name, "").isEmpty();
    }

    @Override
    public Mono<Void> open(URI authorizeUri) {
        if (!"http".equalsIgnoreCase(authorizeUri.getScheme()) && !"https".equalsIgnoreCase(authorizeUri.getScheme())) {
            // A file: or a custom scheme would start any program that is registered for it.
            return Mono.error(new BrowserUnavailableException("the login URL is neither http nor https", null));
        }
        if (openers.isEmpty()) {
            return Mono.error(new BrowserUnavailableException("this machine has no display", null));
        }
        return Flux.fromIterable(openers)
                .concatMap(opener -> run(opener, authorizeUri))
                .any(opened -> opened)
                .flatMap(opened -> opened
                        ? Mono.empty()
                        : Mono.error(new BrowserUnavailableException("none of " + names() + " could do it", null)));
    }

    /**
     * Returns true if the opener succeeded. An opener that hangs ends the search: it may have opened a window, and the
     * next opener would open another one.
     */
    private Mono<Boolean> run(List<String> opener, URI authorizeUri) {
        return Mono.fromCallable(() -> start(opener, authorizeUri))
                .subscribeOn(Schedulers.boundedElastic())
                // By a timer of the JDK: the application may keep those of Reactor busy.
                .flatMap(process -> Mono.fromFuture(
                                () -> process.onExit().orTimeout(longest.toMillis(), TimeUnit.MILLISECONDS), true)
                        .map(exited -> exited.exitValue() == 0)
                        .doFinally(signal -> process.destroyForcibly()))
                .onErrorResume(IOException.class, notFound -> Mono.just(false))
                .onErrorMap(
                        TimeoutException.class,
                        hung -> new BrowserUnavailableException(
                                opener.get(0) + " did not return within " + longest.toSeconds() + " s", hung));
    }

    private static Process start(List<String> opener, URI authorizeUri) throws IOException {
        List<String> command = new ArrayList<>(opener);
        command.add(authorizeUri.toASCIIString());
        Process process = new ProcessBuilder(command)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        process.getOutputStream().close();
        return process;
    }

    private List<String> names() {
        return openers.stream().map(opener -> opener.get(0)).toList();
    }
}
