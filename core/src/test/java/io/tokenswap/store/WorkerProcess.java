package io.tokenswap.store;

import io.tokenswap.Token;
import io.tokenswap.session.TokenStore;
import io.tokenswap.session.TokenStore.Acquired;
import io.tokenswap.session.TokenStore.Kind;
import io.tokenswap.session.TokenStore.Outcome;
import io.tokenswap.session.TokenStore.Record;
import io.tokenswap.session.TokenStore.Version;
import io.tokenswap.testing.StoreProcess;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import reactor.util.retry.Retry;

/** Another process on the same files: it serves the operations of a store, or refreshes, or writes without end. */
final class WorkerProcess {

    static final Instant ISSUED = Instant.parse("2030-01-01T00:00:00Z");
    static final String ID = "0123456789abcdef0123456789abcdef";

    private WorkerProcess() {}

    /** Starts a process that runs a task of {@link #main}. */
    static StoreProcess start(String... task) {
        return StoreProcess.start(WorkerProcess.class, task);
    }

    /** Starts a process whose files would be open to everyone. */
    static StoreProcess startWithoutMask(String... task) {
        return StoreProcess.start(List.of("sh", "-c", "umask 000; exec \"$@\"", "sh"), WorkerProcess.class, task);
    }

    /** Starts a process with a variable of its environment. */
    static StoreProcess startWith(String variable, String... task) {
        return StoreProcess.start(List.of("env", variable), WorkerProcess.class, task);
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
            case "serve" -> StoreProcess.serve(FileTokenStore.ofDirectory(path));
            case "hold" -> hold(FileTokenStore.ofDirectory(path), args[2]);
            case "lock" -> lock(path, Long.parseLong(args[2]));
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

    /** Takes the lease of a key and keeps it. */
    private static void hold(TokenStore store, String key) throws IOException {
        Version view = Objects.requireNonNull(store.load(key).block().record()).version();
        System.out.println(store.acquire(key, "holder", view, Duration.ofSeconds(20))
                .block()
                .outcome());
        System.in.read();
    }

    /** Locks a byte of a file and keeps it locked. */
    private static void lock(Path file, long position) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            FileLock lock = channel.lock(position, 1, false);
            System.out.println(lock.isValid() ? "locked" : "free");
            System.in.read();
        }
    }

    /** Writes one refresh after the other, and reports each that has been confirmed. */
    private static void write(TokenStore store, String key) {
        Record record = store.load(key).block().record();
        while (record != null) {
            record = store.put(
                            key, record.refreshed(1, token(record.version().number() + 1)), Kind.REFRESH, "writer", 0)
                    // Another process that does not run for a while keeps the lock so long.
                    .retryWhen(Retry.indefinitely().filter(WorkerProcess::isLocked))
                    .block()
                    .record();
            System.out.println(record.version().number());
        }
    }

    private static boolean isLocked(Throwable error) {
        return String.valueOf(error.getMessage()).contains("has been locked by other processes");
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
                            .retryWhen(Retry.indefinitely().filter(WorkerProcess::isLocked))
                            .block();
                }
            }
        }
    }
}
