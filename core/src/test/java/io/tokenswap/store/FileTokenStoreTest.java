package io.tokenswap.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.tokenswap.KeyRing;
import io.tokenswap.LoginRequiredException;
import io.tokenswap.Token;
import io.tokenswap.internal.RandomBytes;
import io.tokenswap.session.TokenSession;
import io.tokenswap.session.TokenStore;
import io.tokenswap.session.TokenStore.Entry;
import io.tokenswap.session.TokenStore.Kind;
import io.tokenswap.session.TokenStore.Outcome;
import io.tokenswap.session.TokenStore.Record;
import io.tokenswap.session.TokenStore.State;
import io.tokenswap.session.TokenStore.UnreadableRecordException;
import io.tokenswap.session.TokenStore.UnreadableRecordException.Reason;
import io.tokenswap.testing.StoreProcess;
import io.tokenswap.testing.StrictProvider;
import io.tokenswap.testing.VirtualClock;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;

class FileTokenStoreTest {

    private static final String KEY = TokenStore.key("alice");
    private static final Duration LEASE = Duration.ofSeconds(20);
    private static final Record LOGIN = Record.login(WorkerProcess.ISSUED, WorkerProcess.ID, WorkerProcess.token(0));
    private static final Record NEXT = LOGIN.refreshed(1, WorkerProcess.token(1));
    private static final Record OUT = Record.signOut(WorkerProcess.ISSUED.plusMillis(1), WorkerProcess.ID);

    @TempDir
    Path directory;

    private Path file;
    private TokenStore store;

    @BeforeEach
    void create() {
        file = directory.resolve("token");
        store = FileTokenStore.ofFile(file);
    }

    private static Entry put(TokenStore store, Record record, Kind kind) {
        return Objects.requireNonNull(store.put(KEY, record, kind, "a", 0).block());
    }

    private static Record stored(TokenStore store) {
        return Objects.requireNonNull(store.load(KEY).block()).record();
    }

    private static Outcome acquire(TokenStore store, Record record) {
        return store.acquire(KEY, "a", record.version(), LEASE).block().outcome();
    }

    private List<String> names() throws IOException {
        try (Stream<Path> paths = Files.list(directory)) {
            return paths.map(path -> path.getFileName().toString()).sorted().toList();
        }
    }

    private static String mode(Path path) throws IOException {
        return PosixFilePermissions.toString(Files.getPosixFilePermissions(path));
    }

    @Nested
    class Access {

        @Test
        @Tag("D01")
        void belongsToTheOwnerAloneFromTheCreationOfEachFileAndDirectory() throws IOException {
            List<String> modes = new ArrayList<>();
            OwnedFiles watched = new OwnedFiles() {
                @Override
                void write(FileChannel channel, ByteBuffer content) throws IOException {
                    modes.add(mode(directory.resolve("new/deep/token.tmp")));
                    super.write(channel, content);
                }
            };
            Path deep = directory.resolve("new/deep/token");
            put(new FileTokenStore(deep, false, null, watched, Instant::now), LOGIN, Kind.LOGIN);

            assertThat(modes).containsExactly("rw-------");
            assertThat(mode(deep)).isEqualTo("rw-------");
            assertThat(mode(directory.resolve("new/deep/token.lock"))).isEqualTo("rw-------");
            assertThat(mode(directory.resolve("new/deep"))).isEqualTo("rwx------");
            assertThat(mode(directory.resolve("new"))).isEqualTo("rwx------");
        }

        @Test
        @Tag("D02")
        void isRefusedToAFileThatOthersMayRead() throws IOException {
            put(store, LOGIN, Kind.LOGIN);
            Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r-----"));

            assertThatThrownBy(() -> stored(store))
                    .hasCauseInstanceOf(FileSystemException.class)
                    .hasMessageContaining("other users may read it. Remedy: chmod 600");
            assertThatThrownBy(() -> put(store, NEXT, Kind.REFRESH)).hasCauseInstanceOf(FileSystemException.class);
        }

        @Test
        @Tag("D02")
        void isRefusedToALink() throws IOException {
            put(FileTokenStore.ofFile(directory.resolve("real")), LOGIN, Kind.LOGIN);
            Files.createSymbolicLink(file, directory.resolve("real"));

            assertThatThrownBy(() -> stored(store)).hasMessageContaining("it is a link");
        }

        @Test
        @Tag("D02")
        void isRefusedToAFileWithTwoNames() throws IOException {
            put(store, LOGIN, Kind.LOGIN);
            Files.createLink(directory.resolve("second"), file);

            assertThatThrownBy(() -> stored(store)).hasMessageContaining("several names");
        }

        @Test
        @Tag("D02")
        void isRefusedToADirectoryInPlaceOfAFile() throws IOException {
            Files.createDirectory(file);

            assertThatThrownBy(() -> stored(store)).hasMessageContaining("it is no file");
        }

        @ParameterizedTest
        @Tag("D02")
        @ValueSource(strings = {"rwxrwx---", "rwx----w-"})
        void isRefusedInADirectoryThatOthersMayWrite(String mode) throws IOException {
            put(store, LOGIN, Kind.LOGIN);
            Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString(mode));

            assertThatThrownBy(() -> stored(store)).hasMessageContaining("others may write to this directory");
            assertThatThrownBy(() -> put(store, NEXT, Kind.REFRESH)).hasMessageContaining("chmod go-w");
            Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwx------"));
            assertThat(stored(store)).isEqualTo(LOGIN);
        }

        @Test
        @Tag("D20")
        void worksUnderNamesOfManyKinds() throws IOException {
            for (String name :
                    List.of("with space", "\u00fcn\u00efc\u00f6de \u65e5\u672c", "x".repeat(200), "'\"$&;")) {
                TokenStore named = FileTokenStore.ofFile(directory.resolve(name).resolve(name));
                put(named, LOGIN, Kind.LOGIN);
                assertThat(stored(named)).isEqualTo(LOGIN);
            }
            TokenStore relative = FileTokenStore.ofFile(Path.of("target", directory.getFileName() + "-token"));
            assertThat(stored(relative)).isNull();
        }

        @Test
        @Tag("D20")
        void ofAnotherKeyIsRefusedInAFileAndSeparateInADirectory() {
            put(store, LOGIN, Kind.LOGIN);
            assertThatThrownBy(() -> store.load(TokenStore.key("bob")).block())
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("holds the token of another user");
            assertThatThrownBy(() -> store.put(TokenStore.key("bob"), LOGIN, Kind.LOGIN, "a", 0)
                            .block())
                    .isInstanceOf(IllegalStateException.class);

            TokenStore many = FileTokenStore.ofDirectory(directory.resolve("many"));
            many.put("Alice", LOGIN, Kind.LOGIN, "a", 0).block();
            many.put("alice", NEXT, Kind.LOGIN, "a", 0).block();
            many.put("../../alice", OUT, Kind.SIGN_OUT, "a", 0).block();
            assertThat(many.load("Alice").block().record()).isEqualTo(LOGIN);
            assertThat(many.load("alice").block().record()).isEqualTo(NEXT);
            assertThat(many.load("../../alice").block().record()).isEqualTo(OUT);
        }

        @Test
        @Tag("D19")
        void happensOnThreadsOfTheStoreAndNeverOnThatOfTheCaller() throws IOException {
            ThreadNames threads = new ThreadNames();
            TokenStore watched = new FileTokenStore(file, false, null, threads, Instant::now);
            put(watched, LOGIN, Kind.LOGIN);
            assertThat(stored(watched)).isEqualTo(LOGIN);
            assertThat(acquire(watched, LOGIN)).isEqualTo(Outcome.GRANTED);
            watched.extend(KEY, "a", 1, LEASE).block();
            watched.release(KEY, "a", 1, Duration.ZERO, true).block();
            Files.write(file, new byte[10]);
            assertThatThrownBy(() -> stored(watched)).isInstanceOf(UnreadableRecordException.class);

            assertThat(threads.bySteps)
                    .containsOnlyKeys("read", "replace", "setAside", "directory", "openLock", "tryLock");
            assertThat(threads.bySteps.values())
                    .allSatisfy(names -> assertThat(names).allMatch(name -> name.startsWith("tokenswap-file-")));
        }

        /** Notes the thread of each step that reaches the disk. */
        private static final class ThreadNames extends OwnedFiles {

            final Map<String, Set<String>> bySteps = new ConcurrentHashMap<>();

            private void note(String step) {
                bySteps.computeIfAbsent(step, first -> ConcurrentHashMap.newKeySet())
                        .add(Thread.currentThread().getName());
            }

            @Override
            byte[] read(Path path) throws IOException {
                note("read");
                return super.read(path);
            }

            @Override
            void replace(Path path, byte[] content) throws IOException {
                note("replace");
                super.replace(path, content);
            }

            @Override
            void setAside(Path path) throws IOException {
                note("setAside");
                super.setAside(path);
            }

            @Override
            Path directory(Path path) throws IOException {
                note("directory");
                return super.directory(path);
            }

            @Override
            FileChannel openLock(Path path) throws IOException {
                note("openLock");
                return super.openLock(path);
            }

            @Override
            FileLock tryLock(FileChannel channel, long position) throws IOException {
                note("tryLock");
                return super.tryLock(channel, position);
            }
        }

        /** Only root may give a file away. */
        @Test
        @Tag("D02")
        void isRefusedToAFileOfAnotherUser() throws IOException {
            put(store, LOGIN, Kind.LOGIN);
            assumeThat(System.getProperty("user.name")).isEqualTo("root");
            Files.setAttribute(file, "unix:uid", 65_534);

            assertThatThrownBy(() -> stored(store)).hasMessageContaining("it belongs to another user");
            assertThatThrownBy(() -> put(store, NEXT, Kind.REFRESH)).hasMessageContaining("it belongs to another user");
        }
    }

    @Nested
    class Durability {

        /** Each step on the disk, in the order in which a write takes them. */
        private final List<String> steps = List.of("create", "write", "force", "move", "forceDirectory");

        /** Ends, in one way or another, at a step of the next writes. */
        private class Failing extends OwnedFiles {

            private final String at;
            private final Runnable end;

            Failing(String at, Runnable end) {
                this.at = at;
                this.end = end;
            }

            private void reach(String step) throws IOException {
                if (step.equals(at)) {
                    end.run();
                    throw new FileSystemException(file.toString(), null, "No space left on device");
                }
            }

            @Override
            FileChannel create(Path path) throws IOException {
                reach("create");
                return super.create(path);
            }

            @Override
            void write(FileChannel channel, ByteBuffer content) throws IOException {
                if (at.equals("write")) {
                    super.write(channel, content.slice(0, content.remaining() / 2));
                }
                reach("write");
                super.write(channel, content);
            }

            @Override
            void force(FileChannel channel) throws IOException {
                reach("force");
                super.force(channel);
            }

            @Override
            void move(Path from, Path to) throws IOException {
                reach("move");
                super.move(from, to);
            }

            @Override
            void forceDirectory(Path path) throws IOException {
                reach("forceDirectory");
                super.forceDirectory(path);
            }
        }

        private TokenStore over(OwnedFiles files) {
            return new FileTokenStore(file, false, null, files, Instant::now);
        }

        @Test
        @Tag("D03")
        void comesFromASecondFileThatIsForcedRenamedAndForcedAgain() {
            List<String> taken = new ArrayList<>();
            put(
                    over(new Failing("none", () -> {}) {
                        @Override
                        FileChannel create(Path path) throws IOException {
                            assertThat(path.getParent())
                                    .isEqualTo(file.toRealPath().getParent());
                            taken.add("create");
                            return super.create(path);
                        }

                        @Override
                        void force(FileChannel channel) throws IOException {
                            taken.add("force");
                            super.force(channel);
                        }

                        @Override
                        void move(Path from, Path to) throws IOException {
                            taken.add("move");
                            super.move(from, to);
                        }

                        @Override
                        void forceDirectory(Path path) throws IOException {
                            taken.add("forceDirectory");
                            super.forceDirectory(path);
                        }
                    }),
                    signedIn(),
                    Kind.REFRESH);

            assertThat(taken).containsExactly("create", "force", "move", "forceDirectory");
        }

        private Record signedIn() {
            put(store, LOGIN, Kind.LOGIN);
            return NEXT;
        }

        @Test
        @Tag("D05")
        void ofAWriteThatFailsIsThatOfTheOldRecordAndTheNextWriteSucceeds() throws IOException {
            for (String step : steps) {
                Files.deleteIfExists(file);
                put(store, LOGIN, Kind.LOGIN);
                assertThatThrownBy(() -> put(over(new Failing(step, () -> {})), NEXT, Kind.REFRESH))
                        .as(step)
                        .hasCauseInstanceOf(FileSystemException.class)
                        .hasMessageContaining("The token was not saved: No space left on device");
                assertThat(stored(store)).isEqualTo(step.equals("forceDirectory") ? NEXT : LOGIN);
                assertThat(names()).containsExactly("token", "token.lock");

                assertThat(put(store, NEXT, Kind.REFRESH).record()).isEqualTo(NEXT);
                assertThat(stored(store)).isEqualTo(NEXT);
            }
        }

        /** The message of the JDK's exception is the path alone. */
        @Test
        @Tag("D05")
        @Tag("D20")
        void staysAndTheReasonIsNamedWhereTheUserMayNotWriteOrRead() {
            put(store, LOGIN, Kind.LOGIN);
            OwnedFiles unreadable = new OwnedFiles() {
                @Override
                FileChannel open(Path path, Set<OpenOption> options) throws IOException {
                    throw new AccessDeniedException(path.toString());
                }
            };
            OwnedFiles unwritable = new OwnedFiles() {
                @Override
                FileChannel create(Path path) throws IOException {
                    throw new AccessDeniedException(path.toString());
                }
            };

            assertThatThrownBy(() -> stored(over(unreadable)))
                    .isInstanceOf(UncheckedIOException.class)
                    .hasMessage(file + ": The user of this process has no permission");
            assertThatThrownBy(() -> put(over(unwritable), NEXT, Kind.REFRESH))
                    .hasMessageContaining("The token was not saved: ")
                    .hasMessageContaining("token.tmp: The user of this process has no permission");
            assertThat(stored(store)).isEqualTo(LOGIN);
        }

        /** The error ends the thread at the step without any clean-up, as the end of a process does. */
        @Test
        @Tag("D04")
        @Tag("D18")
        void ofAWriteThatEndsAnywhereIsThatOfAWholeRecord() throws IOException {
            for (String step : steps) {
                Files.deleteIfExists(file);
                put(store, LOGIN, Kind.LOGIN);
                OwnedFiles killed = new Failing(step, () -> {
                    throw new IllegalStateException("killed");
                });
                assertThatThrownBy(() -> put(over(killed), NEXT, Kind.REFRESH))
                        .isInstanceOf(IllegalStateException.class);

                assertThat(stored(store)).as(step).isEqualTo(step.equals("forceDirectory") ? NEXT : LOGIN);
                assertThat(put(store, NEXT, Kind.REFRESH).record()).isEqualTo(NEXT);
                assertThat(names()).containsExactly("token", "token.lock");
            }
        }

        /**
         * The power is cut after each step. Of a file that was not forced nothing is on the disk, and a name that was
         * not forced may be on the disk or not.
         */
        @Test
        @Tag("D07")
        void outlivesThePowerOnceTheWriteIsConfirmed() throws IOException {
            for (boolean namesAreEarly : new boolean[] {true, false}) {
                for (String step : List.of("create", "write", "force", "move", "forceDirectory", "none")) {
                    Files.deleteIfExists(file);
                    put(store, LOGIN, Kind.LOGIN);
                    Disk disk = new Disk(step, namesAreEarly);
                    try {
                        put(over(disk), NEXT, Kind.REFRESH);
                    } catch (IllegalStateException cut) {
                        assertThat(step).isNotEqualTo("none");
                    }
                    disk.loseUnforced();

                    Record stored = stored(store);
                    assertThat(stored).as(step).isIn(LOGIN, NEXT);
                    if (step.equals("none")) {
                        assertThat(stored).isEqualTo(NEXT);
                    }
                }
            }
        }

        private final class Disk extends Failing {

            private final boolean namesAreEarly;
            private boolean contentForced;
            private boolean moved;
            private boolean nameForced;
            private byte[] before;

            Disk(String at, boolean namesAreEarly) {
                super(at, () -> {
                    throw new IllegalStateException("power cut");
                });
                this.namesAreEarly = namesAreEarly;
            }

            @Override
            void force(FileChannel channel) throws IOException {
                super.force(channel);
                contentForced = true;
            }

            @Override
            void move(Path from, Path to) throws IOException {
                before = Files.readAllBytes(to);
                super.move(from, to);
                moved = true;
            }

            @Override
            void forceDirectory(Path path) throws IOException {
                super.forceDirectory(path);
                nameForced = true;
            }

            void loseUnforced() throws IOException {
                boolean renamed = moved && (nameForced || namesAreEarly);
                if (moved && !renamed) {
                    Files.write(file, before);
                } else if (renamed && !contentForced) {
                    Files.write(file, new byte[0]);
                }
            }
        }

        @Test
        @Tag("D03")
        @Tag("D07")
        void isForcedToTheDiskBeforeItsNameIs() throws IOException {
            List<String> forced = new CopyOnWriteArrayList<>();
            Path real = directory.toRealPath();
            OwnedFiles watched = new OwnedFiles() {
                @Override
                FileChannel create(Path path) throws IOException {
                    return new DrippingChannel(super.create(path), () -> forced.add("content"));
                }

                @Override
                FileChannel open(Path path, Set<OpenOption> options) throws IOException {
                    FileChannel opened = super.open(path, options);
                    return path.equals(real) ? new DrippingChannel(opened, () -> forced.add("name")) : opened;
                }
            };
            put(over(watched), LOGIN, Kind.LOGIN);

            assertThat(forced).containsExactly("content", "name");
        }

        @Test
        @Tag("D06")
        void doesNotDependOnWritesAndReadsOfAllBytesAtOnce() {
            OwnedFiles dripping = new OwnedFiles() {
                @Override
                FileChannel create(Path path) throws IOException {
                    return new DrippingChannel(super.create(path));
                }

                @Override
                FileChannel open(Path path, Set<OpenOption> options) throws IOException {
                    return new DrippingChannel(super.open(path, options));
                }

                @Override
                FileChannel openLock(Path path) throws IOException {
                    return new DrippingChannel(super.openLock(path));
                }
            };
            put(over(dripping), LOGIN, Kind.LOGIN);
            assertThat(stored(store)).isEqualTo(LOGIN);
            assertThat(stored(over(dripping))).isEqualTo(LOGIN);

            assertThat(acquire(over(dripping), LOGIN)).isEqualTo(Outcome.GRANTED);
            over(dripping).release(KEY, "a", 1, Duration.ofHours(1), true).block();
            assertThat(acquire(store, LOGIN)).isEqualTo(Outcome.PAUSED);
            assertThat(acquire(over(dripping), LOGIN)).isEqualTo(Outcome.PAUSED);
        }

        @Test
        @Tag("D16")
        void isNoMatterOfTheTimeOfTheFile() throws IOException {
            put(store, LOGIN, Kind.LOGIN);
            FileTime time = Files.getLastModifiedTime(file);
            put(FileTokenStore.ofFile(file), NEXT, Kind.REFRESH);
            Files.setLastModifiedTime(file, time);

            assertThat(stored(store)).isEqualTo(NEXT);
        }
    }

    @Nested
    class Damage {

        private TokenStore sealed() {
            return FileTokenStore.ofFile(file).sealedWith(KeyRing.random());
        }

        @ParameterizedTest
        @Tag("D08")
        @MethodSource("io.tokenswap.store.FileTokenStoreTest#damages")
        void isReportedOnceAndSetAside(byte[] damaged) throws IOException {
            put(store, LOGIN, Kind.LOGIN);
            Files.write(file, damaged);

            UnreadableRecordException e = catchThrowableOfType(UnreadableRecordException.class, () -> stored(store));
            assertThat(e.reason()).isEqualTo(Reason.CORRUPT);
            assertThat(Files.readAllBytes(directory.resolve("token.damaged"))).isEqualTo(damaged);
            assertThat(stored(store)).isNull();
            assertThat(put(store, NEXT, Kind.REFRESH).record()).isNull();
            assertThat(put(store, LOGIN, Kind.LOGIN).record()).isEqualTo(LOGIN);
        }

        @Test
        @Tag("D08")
        void isNotOverwrittenByARefresh() throws IOException {
            put(store, LOGIN, Kind.LOGIN);
            Files.write(file, new byte[1_000]);

            assertThatThrownBy(() -> put(store, NEXT, Kind.REFRESH)).isInstanceOf(UnreadableRecordException.class);
            assertThat(Files.size(directory.resolve("token.damaged"))).isEqualTo(1_000);
        }

        @Test
        @Tag("D08")
        void isSetAsideByALogin() throws IOException {
            put(store, LOGIN, Kind.LOGIN);
            Files.write(file, new byte[1_000]);

            assertThat(put(store, LOGIN, Kind.LOGIN).record()).isEqualTo(LOGIN);
            assertThat(Files.size(directory.resolve("token.damaged"))).isEqualTo(1_000);
        }

        @Test
        @Tag("D08")
        void isNoTokenThatIsTooLongBecauseItIsNotWritten() {
            Record large = LOGIN.refreshed(1, tokenOf(119_000));
            put(store, LOGIN, Kind.LOGIN);
            put(store, large, Kind.REFRESH);
            assertThat(stored(store)).isEqualTo(large);
            assertThatThrownBy(() -> put(store, LOGIN.refreshed(2, tokenOf(120_000)), Kind.REFRESH))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("too long to be stored");
            assertThat(stored(store)).isEqualTo(large);
        }

        private Token tokenOf(int length) {
            return Token.builder("a".repeat(length), WorkerProcess.ISSUED).build();
        }

        @Test
        @Tag("D08")
        void ofAGibibyteIsFoundWithoutReadingIt() throws IOException {
            put(store, LOGIN, Kind.LOGIN);
            try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
                channel.write(ByteBuffer.wrap(new byte[1]), (1L << 30) - 1); // sparse
            }
            List<Integer> lengths = new CopyOnWriteArrayList<>();
            TokenStore watched = new FileTokenStore(
                    file,
                    false,
                    null,
                    new OwnedFiles() {
                        @Override
                        byte[] read(Path path) throws IOException {
                            byte[] read = super.read(path);
                            lengths.add(read.length);
                            return read;
                        }
                    },
                    Instant::now);

            assertThatThrownBy(() -> stored(watched)).isInstanceOf(UnreadableRecordException.class);
            assertThat(lengths).isNotEmpty().allMatch(length -> length < 1 << 18);
        }

        /** Another process may have replaced the file between the look and the lock. */
        @Test
        @Tag("D08")
        void isLookedAtAgainBeforeTheFileIsSetAside() throws IOException {
            put(store, LOGIN, Kind.LOGIN);
            for (int looks = 1; looks <= 2; looks++) {
                AtomicInteger damaged = new AtomicInteger(looks);
                TokenStore watched = new FileTokenStore(
                        file,
                        false,
                        null,
                        new OwnedFiles() {
                            @Override
                            byte[] read(Path path) throws IOException {
                                return damaged.getAndDecrement() > 0 ? new byte[100] : super.read(path);
                            }
                        },
                        Instant::now);

                assertThat(stored(watched)).isEqualTo(LOGIN);
                damaged.set(looks - 1);
                assertThat(acquire(watched, LOGIN)).isEqualTo(Outcome.GRANTED);
                watched.release(KEY, "a", looks, Duration.ZERO, false).block();
            }
            assertThat(names()).containsExactly("token", "token.lock");
        }

        @Test
        @Tag("D09")
        void isNotWhatANewerReleaseHasWritten() throws IOException {
            put(store, LOGIN, Kind.LOGIN);
            String newer = Files.readString(file).replace("\"v\":1", "\"v\":2");
            Files.writeString(file, newer);

            for (Kind kind : List.of(Kind.LOGIN, Kind.REFRESH, Kind.SIGN_OUT)) {
                assertThatThrownBy(() -> put(store, NEXT, kind))
                        .isInstanceOfSatisfying(
                                UnreadableRecordException.class,
                                e -> assertThat(e.reason()).isEqualTo(Reason.NEWER_FORMAT));
            }
            assertThat(file).hasContent(newer.strip());
        }

        @Test
        @Tag("D10")
        void isNotWhatAnotherKeyHasSealed() throws IOException {
            TokenStore sealed = sealed();
            put(sealed, LOGIN, Kind.LOGIN);
            assertThat(Files.readString(file)).doesNotContain("access-0").doesNotContain("refresh-0");
            assertThat(stored(sealed)).isEqualTo(LOGIN);

            assertThatThrownBy(() -> stored(sealed()))
                    .isInstanceOfSatisfying(
                            UnreadableRecordException.class,
                            e -> assertThat(e.reason()).isEqualTo(Reason.UNKNOWN_KEY));
            assertThatThrownBy(() -> stored(store))
                    .isInstanceOfSatisfying(
                            UnreadableRecordException.class,
                            e -> assertThat(e.reason()).isEqualTo(Reason.NOT_SEALED));
            assertThat(stored(sealed)).isEqualTo(LOGIN);
        }

        @Test
        @Tag("D17")
        void isNotTheRemovalOfAFileWhichSignsOut() throws IOException {
            put(store, LOGIN, Kind.LOGIN);
            assertThat(acquire(store, LOGIN)).isEqualTo(Outcome.GRANTED);
            Files.delete(file);

            assertThat(stored(store)).isNull();
            assertThat(store.put(KEY, NEXT, Kind.REFRESH, "a", 1).block().record())
                    .isNull();
            assertThat(acquire(store, LOGIN)).isEqualTo(Outcome.MOVED);
        }

        /** A shared engine may have lost the record, and the session would put it back. */
        @Test
        @Tag("D17")
        void isNotTheRemovalOfAFileWhichSignsARunningSessionOut() throws IOException {
            StrictProvider provider = new StrictProvider();
            TokenSession session = TokenSession.builder(provider)
                    .store(store, "alice")
                    .start(StrictProvider.token("alice", 1))
                    .block();
            Files.delete(file);

            assertThatThrownBy(() -> session.refresh().block()).isInstanceOf(LoginRequiredException.class);
            assertThat(file).doesNotExist();
            assertThat(provider.refreshes()).isZero();
        }

        /** No process reports changes to another: the first subscriber would get the token of a user who has left. */
        @Test
        @Tag("D17")
        void isNotASignOutElsewhereWhichIsFoundByTheFirstSubscriber() {
            TokenSession here = TokenSession.builder(new StrictProvider())
                    .store(store, "alice")
                    .start(StrictProvider.token("alice", 1))
                    .block();
            TokenSession elsewhere = TokenSession.builder(new StrictProvider())
                    .store(FileTokenStore.ofFile(file), "alice")
                    .restore()
                    .block();
            elsewhere.signOut().block();

            assertThatThrownBy(() -> here.tokens().then().block(Duration.ofSeconds(60)))
                    .isInstanceOf(LoginRequiredException.class);
        }

        @Test
        @Tag("D17")
        void isNotAnEditWhichIsRead() throws IOException {
            put(store, LOGIN, Kind.LOGIN);
            Files.writeString(file, Files.readString(file).replace("access-0", "access-edited"));

            assertThat(stored(store).token().accessToken().secret()).isEqualTo("access-edited");
        }

        @Test
        void isNotASignOutWhichLeavesNoToken() throws IOException {
            put(store, LOGIN, Kind.LOGIN);
            put(store, OUT, Kind.SIGN_OUT);

            assertThat(stored(store).state()).isEqualTo(State.OUT);
            assertThat(Files.readString(file)).doesNotContain("access").doesNotContain("refresh");
        }
    }

    static Stream<byte[]> damages() {
        byte[] header = ("tokenswap-record " + KEY + "\n").getBytes();
        byte[] cut = Arrays.copyOf(header, header.length + 20);
        return Stream.of(new byte[0], new byte[1], new byte[4_096], RandomBytes.next(2_000), header, cut);
    }

    @Nested
    class Leases {

        private final VirtualClock clock = new VirtualClock();

        private TokenStore at() {
            return new FileTokenStore(file, false, null, new OwnedFiles(), clock);
        }

        @Test
        void haveNoEndAndCannotBeTakenByASecondStoreOfThisProcess() {
            put(store, LOGIN, Kind.LOGIN);

            assertThat(store.acquire(KEY, "a", LOGIN.version(), LEASE).block().until())
                    .isNull();
            assertThat(acquire(FileTokenStore.ofFile(file), LOGIN)).isEqualTo(Outcome.BUSY);
            assertThat(acquire(
                            FileTokenStore.ofFile(directory.resolve("../" + directory.getFileName() + "/token")),
                            LOGIN))
                    .isEqualTo(Outcome.BUSY);
        }

        /** Otherwise no one could refresh again before the end of the process. */
        @Test
        void areReleasedWhenTheirCallerHasLeft() throws Exception {
            put(store, LOGIN, Kind.LOGIN);
            CountDownLatch entered = new CountDownLatch(1);
            CountDownLatch left = new CountDownLatch(1);
            OwnedFiles slow = new OwnedFiles() {
                @Override
                FileLock tryLock(FileChannel channel, long position) throws IOException {
                    entered.countDown();
                    try {
                        left.await();
                    } catch (InterruptedException e) {
                        throw new IOException("A cancelled operation must not be interrupted", e);
                    }
                    return super.tryLock(channel, position);
                }
            };
            Disposable impatient = new FileTokenStore(file, false, null, slow, Instant::now)
                    .acquire(KEY, "a", LOGIN.version(), LEASE)
                    .subscribe();
            entered.await();
            impatient.dispose();
            left.countDown();

            assertThat(Mono.defer(() -> store.acquire(KEY, "b", LOGIN.version(), LEASE))
                            .repeat()
                            .filter(acquired -> acquired.outcome() == Outcome.GRANTED)
                            .blockFirst(Duration.ofSeconds(20)))
                    .isNotNull();
        }

        @Test
        void rememberThePauseAndTheAttemptInTheirFile() {
            TokenStore first = at();
            put(first, LOGIN, Kind.LOGIN);
            acquire(first, LOGIN);
            first.release(KEY, "a", 1, Duration.ofSeconds(60), true).block();

            clock.advance(Duration.ofSeconds(60).minusMillis(1));
            assertThat(acquire(at(), LOGIN)).isEqualTo(Outcome.PAUSED);
            clock.advance(Duration.ofMillis(1));
            assertThat(at().acquire(KEY, "b", LOGIN.version(), LEASE).block().attempt())
                    .isEqualTo(2);
        }

        @Test
        void doNotWaitLongerForAPauseBecauseTheClockWasSetBack() {
            TokenStore first = at();
            put(first, LOGIN, Kind.LOGIN);
            acquire(first, LOGIN);
            first.release(KEY, "a", 1, Duration.ofSeconds(60), true).block();

            clock.jump(Duration.ofHours(-3));

            assertThat(acquire(first, LOGIN)).isEqualTo(Outcome.GRANTED);
        }

        @Test
        void areFreeIfTheirFileIsDamaged() throws IOException {
            put(store, LOGIN, Kind.LOGIN);
            for (byte[] damaged : List.of(RandomBytes.next(500), "a b c d e f g h i j k l m".getBytes())) {
                Files.write(directory.resolve("token.lock"), damaged);

                assertThat(acquire(store, LOGIN)).isEqualTo(Outcome.GRANTED);
                store.release(KEY, "a", 1, Duration.ZERO, false).block();
            }
        }

        /** A process that writes again and again would keep the others out, because they only look from time to time. */
        @Test
        @Tag("D11")
        void areTakenInTurnByWriters() throws IOException {
            List<Long> positions = new ArrayList<>();
            OwnedFiles watched = new OwnedFiles() {
                @Override
                FileLock tryLock(FileChannel channel, long position) throws IOException {
                    positions.add(position);
                    return super.tryLock(channel, position);
                }
            };
            put(new FileTokenStore(file, false, null, watched, Instant::now), LOGIN, Kind.LOGIN);

            assertThat(positions).as("the turn, then the record").containsExactly(2L, 1L);
            try (StoreProcess other =
                    WorkerProcess.start("lock", directory.resolve("token.lock").toString(), "2")) {
                assertThat(other.read()).isEqualTo("locked");
                AtomicInteger tries = new AtomicInteger();
                OwnedFiles counting = new OwnedFiles() {
                    @Override
                    FileLock tryLock(FileChannel channel, long position) throws IOException {
                        assertThat(position).isEqualTo(tries.get() < 3 ? 2L : position);
                        if (tries.incrementAndGet() == 3) {
                            other.kill();
                        }
                        return super.tryLock(channel, position);
                    }
                };
                assertThat(put(new FileTokenStore(file, false, null, counting, Instant::now), NEXT, Kind.REFRESH)
                                .record())
                        .isEqualTo(NEXT);
                assertThat(tries).hasValueGreaterThan(3);
            }
        }

        /** Two applications of one process may each have loaded this class. The JDK then throws, instead of refusing the lock. */
        @Test
        @Tag("D14")
        void thatAnotherCopyOfThisClassHoldsAreWaitedFor() throws IOException {
            put(store, LOGIN, Kind.LOGIN);
            try (FileChannel other = FileChannel.open(directory.resolve("token.lock"), StandardOpenOption.WRITE)) {
                assertThat(other.lock(0, 1, false).isValid()).isTrue();
                assertThat(acquire(store, LOGIN)).isEqualTo(Outcome.BUSY);
            }

            assertThat(acquire(store, LOGIN)).isEqualTo(Outcome.GRANTED);
        }

        /** All copies of this class know the same interned string. Without it, one could close the file of another in between. */
        @Test
        @Tag("D14")
        void areTakenUnderAMonitorThatAllCopiesOfThisClassKnow() throws IOException {
            String monitor = "io.tokenswap.store " + directory.toRealPath().resolve("token.lock");
            List<Boolean> held = new ArrayList<>();
            OwnedFiles watched = new OwnedFiles() {
                @Override
                FileLock tryLock(FileChannel channel, long position) throws IOException {
                    held.add(Thread.holdsLock(monitor.intern()));
                    return super.tryLock(channel, position);
                }
            };
            put(new FileTokenStore(file, false, null, watched, Instant::now), LOGIN, Kind.LOGIN);

            assertThat(held).isNotEmpty().containsOnly(true);
        }

        @Test
        @Tag("D05")
        void whoseFileCannotBeUsedNameItAndTheReason() throws IOException {
            put(store, LOGIN, Kind.LOGIN);
            OwnedFiles denied = new OwnedFiles() {
                @Override
                FileChannel openLock(Path path) throws IOException {
                    throw new AccessDeniedException(path.toString());
                }
            };
            OwnedFiles full = new OwnedFiles() {
                @Override
                FileChannel openLock(Path path) throws IOException {
                    return new DrippingChannel(super.openLock(path)) {
                        @Override
                        public int write(ByteBuffer source, long position) throws IOException {
                            throw new IOException("No space left on device");
                        }
                    };
                }
            };
            String named = "The lock file " + directory.toRealPath().resolve("token.lock") + " cannot be used: ";

            assertThatThrownBy(() -> acquire(new FileTokenStore(file, false, null, denied, Instant::now), LOGIN))
                    .isInstanceOf(UncheckedIOException.class)
                    .hasMessageStartingWith(named)
                    .hasMessageEndingWith("The user of this process has no permission");
            assertThatThrownBy(() -> acquire(new FileTokenStore(file, false, null, full, Instant::now), LOGIN))
                    .isInstanceOf(UncheckedIOException.class)
                    .hasMessage(named + "No space left on device");
            assertThat(acquire(store, LOGIN)).as("the lease is free").isEqualTo(Outcome.GRANTED);
        }

        /** Thousands of users would otherwise leave as many open files and objects. */
        @Test
        void areOpenOnlyWhileTheyAreNeeded() {
            List<FileChannel> opened = new ArrayList<>();
            OwnedFiles watched = new OwnedFiles() {
                @Override
                FileChannel openLock(Path path) throws IOException {
                    opened.add(super.openLock(path));
                    return opened.get(opened.size() - 1);
                }
            };
            put(store, LOGIN, Kind.LOGIN);
            TokenStore second = new FileTokenStore(file, false, null, watched, Instant::now);
            assertThat(acquire(second, LOGIN)).isEqualTo(Outcome.GRANTED);
            assertThat(opened).hasSize(1).allMatch(FileChannel::isOpen);
            put(second, LOGIN, Kind.LOGIN);
            assertThat(acquire(second, LOGIN)).isEqualTo(Outcome.BUSY);
            assertThat(opened).hasSize(1).allMatch(FileChannel::isOpen);

            second.release(KEY, "a", 1, Duration.ZERO, true).block();
            assertThat(opened).hasSize(1).noneMatch(FileChannel::isOpen);
        }

        /** As a process does that was stopped within a write. */
        @Test
        void thatAreNeverFreeFailTheWriteByNameAndStandInTheWayOfNoOther() {
            put(store, LOGIN, Kind.LOGIN);
            for (long stuck = 1; stuck <= 2; stuck++) {
                long position = stuck;
                OwnedFiles waiting = new OwnedFiles() {
                    @Override
                    FileLock tryLock(FileChannel channel, long at) throws IOException {
                        return at == position ? null : super.tryLock(channel, at);
                    }

                    @Override
                    Duration lockLimit() {
                        return Duration.ofMillis(20);
                    }
                };
                TokenStore stopped = new FileTokenStore(file, false, null, waiting, Instant::now);
                assertThatThrownBy(() -> put(stopped, NEXT, Kind.REFRESH))
                        .isInstanceOf(UncheckedIOException.class)
                        .hasMessageContaining("token.lock has been locked by other processes for")
                        .hasMessageContaining("Is one of them stopped?");
                assertThat(stored(store)).isEqualTo(LOGIN);
            }
            assertThat(put(store, NEXT, Kind.REFRESH).record()).isEqualTo(NEXT);
        }

        @Test
        @Tag("D13")
        void areRefusedByNameOnAFileSystemWithoutLocks() {
            put(store, LOGIN, Kind.LOGIN);
            TokenStore lockless = new FileTokenStore(
                    file,
                    false,
                    null,
                    new OwnedFiles() {
                        @Override
                        FileLock tryLock(FileChannel channel, long position) throws IOException {
                            throw new IOException("No locks available");
                        }
                    },
                    Instant::now);

            assertThatThrownBy(() -> acquire(lockless, LOGIN))
                    .isInstanceOf(UncheckedIOException.class)
                    .hasMessageContaining("refused to lock")
                    .hasMessageContaining("Use a directory on a local disk");
            assertThatThrownBy(() -> put(lockless, NEXT, Kind.REFRESH)).hasMessageContaining("refused to lock");
            assertThat(stored(lockless)).isEqualTo(LOGIN);
        }
    }
}
