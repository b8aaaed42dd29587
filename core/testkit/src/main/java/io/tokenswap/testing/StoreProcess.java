package io.tokenswap.testing;

import io.tokenswap.session.TokenCodec;
import io.tokenswap.session.TokenStore;
import io.tokenswap.session.TokenStore.Acquired;
import io.tokenswap.session.TokenStore.Entry;
import io.tokenswap.session.TokenStore.Kind;
import io.tokenswap.session.TokenStore.Outcome;
import io.tokenswap.session.TokenStore.Record;
import io.tokenswap.session.TokenStore.Version;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * Another process with the class path of this one, for tests of a store in two processes. Its main method calls
 * {@link #serve}, and the test gets that store from {@link #store()}:
 *
 * <pre>{@code
 * class Node {
 *     public static void main(String[] args) throws IOException {
 *         StoreProcess.serve(connect(args[0])); // the store under test
 *     }
 * }
 *
 * StoreProcess process = StoreProcess.start(Node.class, "localhost:6379");
 * TokenStore other = process.store();
 * }</pre>
 *
 * <p>Operations run one after the other and block the thread of their subscriber. The process ends with the test.
 *
 * <p>Safe for use by any thread.
 */
public final class StoreProcess implements AutoCloseable {

    private final Process process;
    private final BufferedReader out;
    private final PrintStream in;

    private StoreProcess(Process process) {
        this.process = process;
        this.out = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
        this.in = new PrintStream(process.getOutputStream(), true, StandardCharsets.UTF_8);
    }

    /**
     * Starts a process.
     *
     * @param main the class with the main method
     * @param arguments the arguments of that method
     * @return the process, which is running
     */
    public static StoreProcess start(Class<?> main, String... arguments) {
        return start(List.of(), main, arguments);
    }

    /**
     * Starts a process by another program, for example a shell that sets limits.
     *
     * @param launcher the program and its arguments, which the command of the process follows
     * @param main the class with the main method
     * @param arguments the arguments of that method
     * @return the process, which is running
     */
    public static StoreProcess start(List<String> launcher, Class<?> main, String... arguments) {
        List<String> command = new ArrayList<>(launcher);
        command.addAll(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx128m",
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                // Of a process that was killed, a file of counters stays. A later one with its id would complain to its
                // output.
                "-XX:-UsePerfData",
                "-cp",
                System.getProperty("java.class.path"),
                main.getName()));
        command.addAll(Arrays.asList(arguments));
        try {
            return new StoreProcess(new ProcessBuilder(command)
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .start());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * Reads the next line that the process prints.
     *
     * @return the line, or null at the end of the process
     */
    public @Nullable String read() {
        try {
            return out.readLine();
        } catch (IOException e) {
            return null;
        }
    }

    /** Ends the process at once, as {@code kill -9} does, and waits for its end. */
    public void kill() {
        process.destroyForcibly();
        process.onExit().join();
    }

    /**
     * Waits for the end of the process.
     *
     * @return the exit code
     */
    public int exitCode() {
        return process.onExit().join().exitValue();
    }

    @Override
    public void close() {
        kill();
    }

    private synchronized String[] ask(Object... words) {
        List<String> texts = new ArrayList<>();
        for (Object word : words) {
            texts.add(String.valueOf(word));
        }
        in.println(String.join("\t", texts));
        return Objects.requireNonNull(read(), "The process has ended").split("\t", -1);
    }

    /**
     * Returns the store in that process. It reports no changes.
     *
     * @return a store that passes each operation on
     */
    public TokenStore store() {
        return new TokenStore() {
            @Override
            public Mono<Entry> load(String key) {
                return Mono.fromSupplier(() -> entry(ask("load", key)));
            }

            @Override
            public Mono<Acquired> acquire(String key, String owner, Version view, Duration lease) {
                return Mono.fromSupplier(() -> acquired(ask(
                        "acquire",
                        key,
                        owner,
                        view.since(),
                        view.login(),
                        view.number(),
                        view.attempt(),
                        view.ended(),
                        lease)));
            }

            @Override
            public Mono<Acquired> extend(String key, String owner, long attempt, Duration lease) {
                return Mono.fromSupplier(() -> acquired(ask("extend", key, owner, attempt, lease)));
            }

            @Override
            public Mono<Entry> put(String key, Record next, Kind kind, String owner, long attempt) {
                return Mono.fromSupplier(
                        () -> entry(ask("put", key, TokenCodec.unsafeEncode(next), kind, owner, attempt)));
            }

            @Override
            public Mono<Void> release(String key, String owner, long attempt, Duration pause, boolean sent) {
                return Mono.fromRunnable(() -> ask("release", key, owner, attempt, pause, sent));
            }
        };
    }

    private static Entry entry(String[] words) {
        return new Entry(record(words[0]), Instant.parse(words[1]));
    }

    private static Acquired acquired(String[] words) {
        return new Acquired(
                Outcome.valueOf(words[2]),
                record(words[0]),
                Instant.parse(words[1]),
                Long.parseLong(words[3]),
                words[4].isEmpty() ? null : Instant.parse(words[4]),
                words[5].isEmpty() ? null : Duration.parse(words[5]),
                Duration.parse(words[6]));
    }

    private static @Nullable Record record(String text) {
        return text.isEmpty() ? null : TokenCodec.unsafeDecode(text);
    }

    private static String text(@Nullable Record record) {
        return record == null ? "" : TokenCodec.unsafeEncode(record);
    }

    private static String text(@Nullable Object value) {
        return value == null ? "" : value.toString();
    }

    /**
     * Serves the operations of a store by standard input and output, until the input ends.
     *
     * @param store the store of this process
     * @throws IOException if the input cannot be read
     */
    public static void serve(TokenStore store) throws IOException {
        BufferedReader requests = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        PrintStream responses = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        for (String line = requests.readLine(); line != null; line = requests.readLine()) {
            String[] words = line.split("\t", -1);
            responses.println(
                    switch (words[0]) {
                        case "load" -> words(store.load(words[1]).block());
                        case "acquire" ->
                            words(store.acquire(
                                            words[1],
                                            words[2],
                                            new Version(
                                                    Instant.parse(words[3]),
                                                    words[4],
                                                    Long.parseLong(words[5]),
                                                    Long.parseLong(words[6]),
                                                    Boolean.parseBoolean(words[7])),
                                            Duration.parse(words[8]))
                                    .block());
                        case "extend" ->
                            words(store.extend(words[1], words[2], Long.parseLong(words[3]), Duration.parse(words[4]))
                                    .block());
                        case "put" ->
                            words(store.put(
                                            words[1],
                                            TokenCodec.unsafeDecode(words[2]),
                                            Kind.valueOf(words[3]),
                                            words[4],
                                            Long.parseLong(words[5]))
                                    .block());
                        case "release" -> {
                            store.release(
                                            words[1],
                                            words[2],
                                            Long.parseLong(words[3]),
                                            Duration.parse(words[4]),
                                            Boolean.parseBoolean(words[5]))
                                    .block();
                            yield "";
                        }
                        default -> throw new IllegalArgumentException(words[0]);
                    });
        }
    }

    private static String words(@Nullable Entry entry) {
        return text(Objects.requireNonNull(entry).record()) + "\t" + entry.now();
    }

    private static String words(@Nullable Acquired acquired) {
        return String.join(
                "\t",
                text(Objects.requireNonNull(acquired).record()),
                acquired.now().toString(),
                acquired.outcome().name(),
                String.valueOf(acquired.attempt()),
                text(acquired.until()),
                text(acquired.otherMark()),
                acquired.remaining().toString());
    }
}
