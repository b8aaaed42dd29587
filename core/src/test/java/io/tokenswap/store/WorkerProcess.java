package io.tokenswap.store;

import io.tokenswap.Token;
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
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** Another process on the same files: it serves the operations of a store, or refreshes, or writes without end. */
final class WorkerProcess implements AutoCloseable {

    static final Instant ISSUED = Instant.parse("2030-01-01T00:00:00Z");
    static final String ID = "0123456789abcdef0123456789abcdef";

    private final Process process;
    private final BufferedReader out;
    private final PrintStream in;

    private WorkerProcess(Process process) {
        this.process = process;
        this.out = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
        this.in = new PrintStream(process.getOutputStream(), true, StandardCharsets.UTF_8);
    }

    /** Starts a process that runs a task of {@link #main}. */
    static WorkerProcess start(String... task) {
        return start(List.of(), task);
    }

    /** Starts a process whose files would be open to everyone. */
    static WorkerProcess startWithoutMask(String... task) {
        return start(List.of("sh", "-c", "umask 000; exec \"$@\"", "sh"), task);
    }

    private static WorkerProcess start(List<String> shell, String... task) {
        List<String> command = new ArrayList<>(shell);
        command.addAll(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx64m",
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "-cp",
                System.getProperty("java.class.path"),
                WorkerProcess.class.getName()));
        command.addAll(Arrays.asList(task));
        try {
            return new WorkerProcess(new ProcessBuilder(command)
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .start());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The next line that the process prints, null at its end. */
    @Nullable String read() {
        try {
            return out.readLine();
        } catch (IOException e) {
            return null;
        }
    }

    /** As kill -9 does. */
    void kill() {
        process.destroyForcibly();
        process.onExit().join();
    }

    int exitCode() {
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

    /** The store in that process. */
    TokenStore store() {
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
                null,
                null,
                Duration.parse(words[4]));
    }

    private static @Nullable Record record(String text) {
        return text.isEmpty() ? null : TokenCodec.unsafeDecode(text);
    }

    private static String text(@Nullable Record record) {
        return record == null ? "" : TokenCodec.unsafeEncode(record);
    }

    static Token token(long number) {
        return Token.builder("access-" + number, ISSUED.plusSeconds(number))
                .refreshToken("refresh-" + number)
                .expiresAt(ISSUED.plusSeconds(number + 3_600))
                .build();
    }

    public static void main(String[] args) throws IOException {
        Path path = Path.of(args[1]);
        switch (args[0]) {
            case "serve" -> serve(FileTokenStore.ofDirectory(path));
            case "hold" -> hold(FileTokenStore.ofDirectory(path), args[2]);
            case "write" -> write(FileTokenStore.ofFile(path), args[2]);
            case "refresh" ->
                refresh(
                        FileTokenStore.ofDirectory(path),
                        Path.of(args[2]),
                        Integer.parseInt(args[3]),
                        Integer.parseInt(args[4]),
                        args[5]);
            default -> throw new IllegalArgumentException(args[0]);
        }
    }

    private static void serve(TokenStore store) throws IOException {
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
                acquired.remaining().toString());
    }

    /** Takes the lease of a key and keeps it. */
    private static void hold(TokenStore store, String key) throws IOException {
        Version view = Objects.requireNonNull(store.load(key).block().record()).version();
        System.out.println(store.acquire(key, "holder", view, Duration.ofSeconds(20))
                .block()
                .outcome());
        System.in.read();
    }

    /** Writes one refresh after the other, and reports each that has been confirmed. */
    private static void write(TokenStore store, String key) {
        Record record = store.load(key).block().record();
        while (record != null) {
            record = store.put(
                            key, record.refreshed(1, token(record.version().number() + 1)), Kind.REFRESH, "writer", 0)
                    .block()
                    .record();
            System.out.println(record.version().number());
        }
    }

    /**
     * Refreshes each user's token until all have expired often enough, in its own order, together with other processes.
     * The provider is a directory: it takes a refresh token by creating a file of its name, which fails the second
     * time.
     */
    private static void refresh(TokenStore store, Path provider, int users, int expiries, String owner)
            throws IOException {
        List<String> open = new ArrayList<>();
        for (int user = 0; user < users; user++) {
            open.add(TokenStore.key("user-" + user));
        }
        Random random = new Random(owner.hashCode());
        while (!open.isEmpty()) {
            Collections.shuffle(open, random);
            for (String key : List.copyOf(open)) {
                Record record = Objects.requireNonNull(store.load(key).block().record());
                if (record.version().number() >= expiries) {
                    open.remove(key);
                    continue;
                }
                Acquired acquired = store.acquire(key, owner, record.version(), Duration.ofSeconds(20))
                        .block();
                if (acquired.outcome() == Outcome.GRANTED) {
                    long number = record.version().number();
                    Files.createFile(provider.resolve(key + "-" + number));
                    store.put(
                                    key,
                                    record.refreshed(acquired.attempt(), token(number + 1)),
                                    Kind.REFRESH,
                                    owner,
                                    acquired.attempt())
                            .block();
                }
            }
        }
    }
}
