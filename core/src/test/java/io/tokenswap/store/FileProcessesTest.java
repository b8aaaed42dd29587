package io.tokenswap.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.tokenswap.session.TokenStore;
import io.tokenswap.session.TokenStore.Acquired;
import io.tokenswap.session.TokenStore.Kind;
import io.tokenswap.session.TokenStore.Outcome;
import io.tokenswap.session.TokenStore.Record;
import io.tokenswap.testing.StoreProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Several processes on the same files, and their sudden ends. */
class FileProcessesTest {

    private static final String KEY = TokenStore.key("user-0");

    @TempDir
    Path directory;

    private Record signIn(TokenStore store, String key) {
        Record login = Record.login(WorkerProcess.ISSUED, WorkerProcess.ID, WorkerProcess.token(0));
        return store.put(key, login, Kind.LOGIN, "test", 0).block().record();
    }

    private void refreshes(int processes, int users, int expiries) throws IOException {
        Path tokens = Files.createDirectories(directory.resolve("tokens"));
        Path provider = Files.createDirectories(directory.resolve("provider"));
        TokenStore store = FileTokenStore.ofDirectory(tokens);
        for (int user = 0; user < users; user++) {
            signIn(store, TokenStore.key("user-" + user));
        }
        List<StoreProcess> workers = new ArrayList<>();
        for (int process = 0; process < processes; process++) {
            workers.add(WorkerProcess.start(
                    "refresh",
                    tokens.toString(),
                    provider.toString(),
                    String.valueOf(users),
                    String.valueOf(expiries),
                    "node-" + process));
        }
        assertThat(workers).extracting(StoreProcess::exitCode).containsOnly(0);
        try (Stream<Path> presented = Files.list(provider)) {
            assertThat(presented).hasSize(users * expiries);
        }
    }

    @Test
    @Tag("D11")
    @Timeout(value = 3, unit = TimeUnit.MINUTES)
    void presentEachRefreshTokenOnce() throws IOException {
        refreshes(4, 4, 25);
    }

    @Test
    @Tag("D11")
    @Tag("stress")
    @Timeout(value = 30, unit = TimeUnit.MINUTES)
    void presentEachOfFourThousandRefreshTokensOnce() throws IOException {
        refreshes(8, 8, 500);
    }

    @Test
    @Tag("D12")
    void thatHoldALeaseAreWaitedForAndNoLongerThanTheyLive() {
        TokenStore store = FileTokenStore.ofDirectory(directory);
        Record login = signIn(store, KEY);
        try (StoreProcess holder = WorkerProcess.start("hold", directory.toString(), KEY)) {
            assertThat(holder.read()).isEqualTo("GRANTED");
            assertThat(acquire(store, login)).isEqualTo(Outcome.BUSY);

            holder.kill();

            Acquired acquired = store.acquire(KEY, "test", login.version(), Duration.ofSeconds(20))
                    .block();
            assertThat(acquired.outcome()).isEqualTo(Outcome.GRANTED);
            assertThat(acquired.attempt()).as("after that of the process").isEqualTo(2);
        }
    }

    /** Web applications of one servlet container, for example. A lock of the operating system is that of the whole process. */
    @Test
    @Tag("D14")
    void withTwoCopiesOfTheLibraryKeepALeaseAgainstEachOtherAndOtherProcesses() throws Exception {
        Record login = signIn(FileTokenStore.ofDirectory(directory), KEY);
        try (LoadedAgain one = new LoadedAgain();
                LoadedAgain two = new LoadedAgain();
                StoreProcess process = WorkerProcess.start("serve", directory.toString())) {
            LoadedAgain.Store holder = one.store(directory, KEY);
            LoadedAgain.Store other = two.store(directory, KEY);
            assertThat(holder.run("acquire")).isEqualTo("GRANTED");

            assertThat(other.run("acquire")).isEqualTo("BUSY");
            other.run("put");
            assertThat(acquire(process.store(), login)).isEqualTo(Outcome.BUSY);

            holder.run("release");
            assertThat(acquire(process.store(), login)).isEqualTo(Outcome.GRANTED);
            assertThat(other.run("acquire")).isEqualTo("BUSY");
            assertThat(openLocks()).isZero();
        }
    }

    /** Linux alone lists the open files of a process. */
    private long openLocks() throws IOException {
        Path descriptors = Path.of("/proc/self/fd");
        if (!Files.isDirectory(descriptors)) {
            return 0;
        }
        String lock = directory.resolve(KEY + ".lock").toRealPath().toString();
        try (Stream<Path> open = Files.list(descriptors)) {
            return open.filter(descriptor -> {
                        try {
                            return Files.readSymbolicLink(descriptor).toString().equals(lock);
                        } catch (IOException closed) {
                            return false;
                        }
                    })
                    .count();
        }
    }

    @Test
    @Tag("D14")
    @Timeout(value = 3, unit = TimeUnit.MINUTES)
    void withTwoCopiesOfTheLibraryPresentEachRefreshTokenOnce() throws Exception {
        Path tokens = Files.createDirectories(directory.resolve("tokens"));
        Path provider = Files.createDirectories(directory.resolve("provider"));
        signIn(FileTokenStore.ofDirectory(tokens), KEY);
        String[] task = {"refresh", tokens.toString(), provider.toString(), "1", "100", ""};
        try (LoadedAgain one = new LoadedAgain();
                LoadedAgain two = new LoadedAgain();
                StoreProcess process = WorkerProcess.start(named(task, "process"))) {
            CompletableFuture<Void> first = inBackground(one, named(task, "one"));
            CompletableFuture<Void> second = inBackground(two, named(task, "two"));

            assertThat(process.exitCode()).isZero();
            first.join();
            second.join();
        }
        try (Stream<Path> presented = Files.list(provider)) {
            assertThat(presented).hasSize(100);
        }
    }

    private static String[] named(String[] task, String owner) {
        String[] named = task.clone();
        named[named.length - 1] = owner;
        return named;
    }

    private static CompletableFuture<Void> inBackground(LoadedAgain application, String... task) {
        return CompletableFuture.runAsync(
                () -> {
                    try {
                        application.run(task);
                    } catch (Exception e) {
                        throw new IllegalStateException(e);
                    }
                },
                run -> new Thread(run).start());
    }

    @Test
    @Tag("D01")
    void thatMaskNoPermissionsCreateFilesForTheirOwnerAlone() throws IOException {
        Path created = directory.resolve("a/b");
        try (StoreProcess process = WorkerProcess.startWithoutMask("serve", created.toString())) {
            signIn(process.store(), KEY);
        }

        assertThat(Files.getPosixFilePermissions(created)).isEqualTo(PosixFilePermissions.fromString("rwx------"));
        assertThat(Files.getPosixFilePermissions(created.getParent()))
                .isEqualTo(PosixFilePermissions.fromString("rwx------"));
        try (Stream<Path> files = Files.list(created)) {
            assertThat(files)
                    .hasSize(2)
                    .allSatisfy(file -> assertThat(Files.getPosixFilePermissions(file))
                            .isEqualTo(PosixFilePermissions.fromString("rw-------")));
        }
    }

    /** As in a container whose disks are read-only, except for that of the token. */
    @Test
    @Tag("D20")
    void thatHaveNoDirectoryForTemporaryFilesReadAndWrite() {
        Path absent = directory.resolve("absent");
        try (StoreProcess process =
                WorkerProcess.startWith("JDK_JAVA_OPTIONS=-Djava.io.tmpdir=" + absent, "serve", directory.toString())) {
            Record login = signIn(process.store(), KEY);

            assertThat(process.store().load(KEY).block().record()).isEqualTo(login);
        }
    }

    private static Outcome acquire(TokenStore store, Record record) {
        return store.acquire(KEY, "test", record.version(), Duration.ofSeconds(20))
                .block()
                .outcome();
    }

    private void kills(int rounds, int atOnce) {
        Path file = directory.resolve("token");
        TokenStore store = FileTokenStore.ofFile(file);
        signIn(store, KEY);
        Random random = new Random(4);
        for (int round = 0; round < rounds; round++) {
            List<StoreProcess> writers = new ArrayList<>();
            for (int writer = 0; writer < atOnce; writer++) {
                writers.add(WorkerProcess.start("write", file.toString(), KEY));
            }
            long confirmed = 0;
            for (StoreProcess writer : writers) {
                int lines = 1 + random.nextInt(20);
                for (int line = 0; line < lines; line++) {
                    confirmed = Math.max(confirmed, Long.parseLong(writer.read()));
                }
            }
            writers.forEach(StoreProcess::kill);

            Record record = store.load(KEY).block().record();
            assertThat(record).isNotNull();
            assertThat(record.version().number()).isGreaterThanOrEqualTo(confirmed);
            assertThat(record.token())
                    .isEqualTo(WorkerProcess.token(record.version().number()));
            Record next =
                    record.refreshed(1, WorkerProcess.token(record.version().number() + 1));
            assertThat(store.put(KEY, next, Kind.REFRESH, "test", 0).block().record())
                    .isEqualTo(next);
        }
        assertThat(directory).isDirectoryNotContaining(path -> path.toString().endsWith(".tmp"));
    }

    @Test
    @Tag("D04")
    @Timeout(value = 3, unit = TimeUnit.MINUTES)
    void thatAreKilledWhileTheyWriteLeaveAWholeRecordAndNothingInTheWay() {
        kills(10, 5);
    }

    @Test
    @Tag("D04")
    @Tag("stress")
    @Timeout(value = 180, unit = TimeUnit.MINUTES)
    void thatAreKilledTwoThousandTimesLeaveAWholeRecord() {
        kills(400, 5);
    }

    @Test
    @Tag("D15")
    @Timeout(value = 2, unit = TimeUnit.MINUTES)
    void thatReadWhileAnotherWritesNeverSeeHalfARecord() {
        reads(20_000);
    }

    @Test
    @Tag("D15")
    @Tag("stress")
    @Timeout(value = 30, unit = TimeUnit.MINUTES)
    void thatReadAMillionTimesWhileAnotherWritesNeverSeeHalfARecord() {
        reads(1_000_000);
    }

    private void reads(int reads) {
        Path file = directory.resolve("token");
        TokenStore store = FileTokenStore.ofFile(file);
        signIn(store, KEY);
        try (StoreProcess writer = WorkerProcess.start("write", file.toString(), KEY)) {
            Thread drain = new Thread(() -> {
                while (writer.read() != null) {
                    // so that the writer is not held up
                }
            });
            drain.start();
            long last = 0;
            for (int read = 0; read < reads; read++) {
                Record record = store.load(KEY).block().record();
                assertThat(record.version().number()).isGreaterThanOrEqualTo(last);
                assertThat(record.token())
                        .isEqualTo(WorkerProcess.token(record.version().number()));
                last = record.version().number();
            }
            assertThat(last).isPositive();
        }
    }
}
