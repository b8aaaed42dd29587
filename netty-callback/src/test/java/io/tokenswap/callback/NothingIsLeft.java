package io.tokenswap.callback;

import static org.assertj.core.api.Assertions.assertThat;

import io.tokenswap.AuthorizationRequest;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;
import reactor.util.retry.Retry;

/**
 * What holds after every case, whatever it was: no secret of any login stands in what was logged, at any level, or printed; the
 * ports are free; no socket is open that was not before; no thread runs but those that all of Reactor shares.
 */
final class NothingIsLeft implements BeforeEachCallback, AfterEachCallback, ParameterResolver {

    private static final Queue<String> SECRETS = new ConcurrentLinkedQueue<>();
    private static final Queue<Integer> PORTS = new ConcurrentLinkedQueue<>();

    private static final Pattern STATE = Pattern.compile("[?&]state=([^&]+)");
    private static final Pattern PORT = Pattern.compile("(?:localhost|127\\.0\\.0\\.1|%5D|])(?:%3A|:)([1-9][0-9]*)");
    private static final Pattern SHARED_THREADS = Pattern.compile(
            "(reactor-http-|tokenswap-timer-|tokenswap-clock-|tokenswap-call-|boundedElastic-|parallel-|single-|ForkJoinPool.commonPool-|CompletableFutureDelayScheduler|process reaper"
                    + "|HttpClient-|junit-|surefire-|Common-Cleaner).*");

    private @Nullable CapturedLog log;
    private List<Thread> threads = List.of();
    private long sockets;
    private final PrintStream out = System.out;
    private final PrintStream err = System.err;
    private final ByteArrayOutputStream printed = new ByteArrayOutputStream();

    /** Notes what must not appear anywhere, and which port must be free in the end. */
    static AuthorizationRequest watch(AuthorizationRequest request) {
        SECRETS.add(state(request.uri().toString()));
        SECRETS.add(Objects.requireNonNull(request.unsafeCodeWithoutState("x").codeVerifier())
                .secret());
        PORTS.add(request.redirectUri().getPort());
        return request;
    }

    /** The same for a login of which only the URL is known. */
    static void watch(String authorizeUri) {
        SECRETS.add(state(authorizeUri));
        Matcher port = PORT.matcher(authorizeUri);
        assertThat(port.find()).isTrue();
        PORTS.add(Integer.valueOf(port.group(1)));
    }

    /** Watches nothing of all that any more. */
    static void forget() {
        SECRETS.clear();
        PORTS.clear();
    }

    static String state(String authorizeUri) {
        Matcher state = STATE.matcher(authorizeUri);
        assertThat(state.find()).isTrue();
        return state.group(1);
    }

    @Override
    public void beforeEach(ExtensionContext context) {
        forget();
        printed.reset();
        threads = threads();
        sockets = sockets();
        System.setOut(new PrintStream(new Tee(out, printed), true, StandardCharsets.UTF_8));
        System.setErr(new PrintStream(new Tee(err, printed), true, StandardCharsets.UTF_8));
        log = CapturedLog.everything();
    }

    @Override
    public void afterEach(ExtensionContext context) {
        CapturedLog captured = Objects.requireNonNull(log);
        try {
            PORTS.forEach(WaitingLogin::awaitFree);
            eventually(() -> assertThat(sockets()).as("open sockets").isLessThanOrEqualTo(sockets));
            assertThat(threads())
                    .as("threads that are not shared")
                    .filteredOn(thread -> !threads.contains(thread))
                    .noneMatch(
                            thread -> !SHARED_THREADS.matcher(thread.getName()).matches());
        } finally {
            captured.close();
            System.setOut(out);
            System.setErr(err);
        }
        List<String> output = new ArrayList<>(captured.messages());
        output.add(printed.toString(StandardCharsets.UTF_8));
        assertThat(SECRETS)
                .as("secrets in the output")
                .allSatisfy(secret -> assertThat(output).noneMatch(line -> line.contains(secret)));
        assertThat(output).as("the canary in the output").noneMatch(line -> line.contains(WaitingLogin.CANARY));
    }

    /** The TCP sockets of this process; always 0 where the system does not show them as files. */
    static long sockets() {
        Path open = Path.of("/proc/self/fd");
        if (!Files.isDirectory(open)) {
            return 0;
        }
        Set<String> tcp = Stream.of("tcp", "tcp6")
                .flatMap(NothingIsLeft::inodes)
                .map(inode -> "socket:[" + inode + "]")
                .collect(Collectors.toSet());
        try (Stream<Path> files = Files.list(open)) {
            return files.filter(file -> tcp.contains(target(file))).count();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static Stream<String> inodes(String table) {
        try {
            return Files.readAllLines(Path.of("/proc/self/net", table)).stream()
                    .map(line -> line.strip().split("\\s+")[9]);
        } catch (IOException none) {
            return Stream.empty();
        }
    }

    private static String target(Path link) {
        try {
            return Files.readSymbolicLink(link).toString();
        } catch (IOException closedMeanwhile) {
            return "";
        }
    }

    private static List<Thread> threads() {
        return List.copyOf(Thread.getAllStackTraces().keySet());
    }

    /** Waits until an assertion holds, for what ends a moment later. */
    static void eventually(Runnable assertion) {
        Mono.fromRunnable(assertion)
                // Each attempt, for a retry comes from a timer, where nothing may block.
                .subscribeOn(Schedulers.boundedElastic())
                .retryWhen(Retry.fixedDelay(2_000, Duration.ofMillis(10))
                        .onRetryExhaustedThrow((spec, last) -> last.failure()))
                .block();
    }

    @Override
    public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
        return parameter.getParameter().getType() == CapturedLog.class;
    }

    /** What the case has logged so far. */
    @Override
    public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
        return Objects.requireNonNull(log);
    }

    private static final class Tee extends OutputStream {

        private final OutputStream first;
        private final OutputStream second;

        Tee(OutputStream first, OutputStream second) {
            this.first = first;
            this.second = second;
        }

        @Override
        public void write(int b) throws IOException {
            first.write(b);
            second.write(b);
        }

        @Override
        public void write(byte[] bytes, int from, int length) throws IOException {
            first.write(bytes, from, length);
            second.write(bytes, from, length);
        }

        @Override
        public void flush() throws IOException {
            first.flush();
        }
    }
}
