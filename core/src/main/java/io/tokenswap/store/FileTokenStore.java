package io.tokenswap.store;

import io.tokenswap.KeyRing;
import io.tokenswap.session.TokenCodec;
import io.tokenswap.session.TokenStore;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

/**
 * Store in files, with the token of one user in a file or the tokens of many users in a directory. Tokens survive a
 * restart. Several processes of one machine may share them, and so may several copies of this class in one process, for
 * example in the web applications of a container. They present a refresh token one at a time.
 *
 * <pre>{@code
 * TokenStore store = FileTokenStore.ofFile(Path.of(System.getProperty("user.home"), ".spotify", "token"));
 * }</pre>
 *
 * <p><b>Access.</b> Files and directories that this store creates belong to their owner alone from their creation, as
 * private keys of ssh do. The store refuses a file that is a link, has several names, belongs to another user, may be
 * read by other users, or lies in a directory that other users may write. {@link #sealedWith} encrypts the files as
 * well.
 *
 * <p><b>Durability.</b> A token is written to a second file, forced to the disk, and renamed. After a crash of the
 * process or of the machine, the file holds the whole old token or the whole new one. A damaged file is renamed,
 * reported once, and counts as signed out.
 *
 * <p><b>Sign-out.</b> Removing a file signs its user out; running sessions find out at their next look. The file of a
 * signed-out user holds no token.
 *
 * <p>Beside each file there is a lock file, whose name ends with {@code .lock}. It holds no secret and 80 bytes at most, and it
 * stays after a sign-out: a process that had opened it before it was removed would no longer exclude those that create it
 * anew. Remove lock files only while no process uses the store. A process loses its
 * locks when it ends in any way, so a lease of this store ends with its holder and not before. The file system must
 * support locks between processes; some network file systems do not.
 *
 * <p>Failures of the file system are {@link UncheckedIOException}s that name the file and the remedy.
 *
 * <p>Immutable and safe for use by any thread. No method blocks its caller: files are read and written on threads of
 * this class.
 */
public final class FileTokenStore implements TokenStore {

    /**
     * Up to 10 threads for all stores of the process, which end when idle. Reactor's schedulers are not used, because
     * applications may shut them down.
     */
    private static final class Io {
        static final Scheduler SCHEDULER = Schedulers.newBoundedElastic(10, 100_000, "tokenswap-file", 60, true);
    }

    private static final Pattern FILE_NAME = Pattern.compile("[0-9a-f]{64}");
    private static final String HEADER = "tokenswap-record ";

    private final Path path;
    private final boolean manyUsers;
    private final @Nullable KeyRing keys;
    private final OwnedFiles files;
    private final InstantSource clock;

    FileTokenStore(Path path, boolean manyUsers, @Nullable KeyRing keys, OwnedFiles files, InstantSource clock) {
        this.path = path;
        this.manyUsers = manyUsers;
        this.keys = keys;
        this.files = files;
        this.clock = clock;
    }

    /**
     * Returns a store in a file, for one user. An operation for a second key fails as long as the file holds the record
     * of another one.
     *
     * @param file the file; missing directories are created with the file
     * @return a store of plain records
     */
    public static FileTokenStore ofFile(Path file) {
        return new FileTokenStore(file.toAbsolutePath(), false, null, new OwnedFiles(), InstantSource.system());
    }

    /**
     * Returns a store in a directory, with one file and one lock for each user.
     *
     * @param directory the directory; it is created with the first file
     * @return a store of plain records
     */
    public static FileTokenStore ofDirectory(Path directory) {
        return new FileTokenStore(directory.toAbsolutePath(), true, null, new OwnedFiles(), InstantSource.system());
    }

    /**
     * Returns a store of sealed records. Plain records are refused from then on, except that a login replaces them.
     *
     * @param keys seals and opens the records
     * @return a new store over the same files
     */
    public FileTokenStore sealedWith(KeyRing keys) {
        return new FileTokenStore(path, manyUsers, Objects.requireNonNull(keys, "keys"), files, clock);
    }

    @Override
    public Mono<Entry> load(String key) {
        return onOwnThread(() -> {
            @Nullable Record record;
            try {
                record = read(key, file(key));
            } catch (UnreadableRecordException damaged) {
                record = this.<@Nullable Record>locked(key, (file, lock) -> readAgain(key, file, lock));
            }
            return new Entry(record, clock.instant());
        });
    }

    @Override
    public Mono<Acquired> acquire(String key, String owner, Version view, Duration lease) {
        return Mono.create(sink -> {
            AtomicBoolean cancelled = new AtomicBoolean();
            sink.onCancel(() -> cancelled.set(true));
            Io.SCHEDULER.schedule(() -> {
                try {
                    Acquired acquired = locked(key, (file, lock) -> acquire(key, owner, view, file, lock));
                    sink.success(acquired);
                    if (cancelled.get() && acquired.outcome() == Outcome.GRANTED) {
                        // No caller has learned of this lease, so no caller would end it.
                        locked(key, (file, lock) -> lock.endLease(owner, acquired.attempt()));
                    }
                } catch (IOException e) {
                    sink.error(new UncheckedIOException(OwnedFiles.message(e), e));
                } catch (RuntimeException | Error e) {
                    sink.error(e);
                }
            });
        });
    }

    private Acquired acquire(String key, String owner, Version view, Path file, LockFile lock) throws IOException {
        if (!lock.tryLease()) {
            Record record = readAgain(key, file, lock);
            return isMoved(record, view)
                    ? Acquired.moved(record, clock.instant())
                    : Acquired.busy(Objects.requireNonNull(record), clock.instant(), Duration.ZERO);
        }
        boolean granted = false;
        try {
            Record record = readAgain(key, file, lock);
            Instant now = clock.instant();
            if (record == null || isMoved(record, view)) {
                return Acquired.moved(record, now);
            }
            LockFile.Lease last = lock.lease();
            Duration pause = last.pauseAt(now);
            if (!pause.isZero()) {
                return Acquired.paused(record, now, pause);
            }
            long attempt = 1 + Math.max(last.attempt(), view.attempt());
            lock.grant(owner, attempt, now);
            granted = true;
            return Acquired.granted(record, now, attempt, null, null);
        } finally {
            if (!granted) {
                lock.dropLease();
            }
        }
    }

    private static boolean isMoved(@Nullable Record record, Version view) {
        return record == null
                || record.state() != State.LIVE
                || !record.version().equals(view);
    }

    @Override
    public Mono<Acquired> extend(String key, String owner, long attempt, Duration lease) {
        return onOwnThread(() -> locked(key, (file, lock) -> {
            Record record = readAgain(key, file, lock);
            return lock.isHeldBy(owner, attempt)
                    ? Acquired.granted(record, clock.instant(), attempt, null, null)
                    : Acquired.moved(record, clock.instant());
        }));
    }

    @Override
    public Mono<Entry> put(String key, Record next, Kind kind, String owner, long attempt) {
        return onOwnThread(() -> locked(key, (file, lock) -> {
            Record stored = lock.<@Nullable Record>exclusively(() -> write(key, file, next, kind));
            lock.endLease(owner, attempt);
            return new Entry(stored, clock.instant());
        }));
    }

    private @Nullable Record write(String key, Path file, Record next, Kind kind) throws IOException {
        Record stored;
        try {
            stored = read(key, file);
        } catch (UnreadableRecordException e) {
            boolean replaces = e.yieldsTo(kind);
            if (replaces || e.reason() == UnreadableRecordException.Reason.CORRUPT) {
                files.setAside(file);
            }
            if (!replaces) {
                throw e;
            }
            stored = null;
        }
        if (!kind.accepts(stored, next)) {
            return stored;
        }
        String text = keys == null ? TokenCodec.unsafeEncode(next) : TokenCodec.encode(key, next, keys);
        files.replace(file, (HEADER + key + "\n" + text + "\n").getBytes(StandardCharsets.UTF_8));
        return next;
    }

    @Override
    public Mono<Void> release(String key, String owner, long attempt, Duration pause, boolean sent) {
        return onOwnThread(() -> locked(key, (file, lock) -> {
                    if (lock.isHeldBy(owner, attempt)) {
                        lock.pause(clock.instant(), pause);
                        lock.endLease(owner, attempt);
                    }
                    return true;
                }))
                .then();
    }

    /** A file that is missing was removed to sign the user out. */
    @Override
    public boolean mayLoseWrites() {
        return false;
    }

    /** Reads a whole record without a lock: files are replaced and never written in place. */
    private @Nullable Record read(String key, Path file) throws IOException {
        byte[] bytes = files.read(file);
        if (bytes == null) {
            return null;
        }
        String text = new String(bytes, StandardCharsets.UTF_8);
        int end = text.indexOf('\n');
        if (!text.startsWith(HEADER) || end < 0) {
            throw new UnreadableRecordException(UnreadableRecordException.Reason.CORRUPT);
        }
        if (!text.substring(HEADER.length(), end).equals(key)) {
            throw new IllegalStateException(
                    file + " holds the token of another user. Use a directory for several users.");
        }
        String record = text.substring(end + 1);
        return keys == null ? TokenCodec.unsafeDecode(record) : TokenCodec.decode(key, record, keys);
    }

    /**
     * Reads a record, and sets a damaged file aside. In that case the record is first read once more, while no other
     * process can replace it.
     */
    private @Nullable Record readAgain(String key, Path file, LockFile lock) throws IOException {
        try {
            return read(key, file);
        } catch (UnreadableRecordException e) {
            if (e.reason() != UnreadableRecordException.Reason.CORRUPT) {
                throw e;
            }
        }
        return lock.<@Nullable Record>exclusively(() -> {
            try {
                return read(key, file);
            } catch (UnreadableRecordException e) {
                if (e.reason() == UnreadableRecordException.Reason.CORRUPT) {
                    files.setAside(file);
                }
                throw e;
            }
        });
    }

    private Path file(String key) {
        if (!manyUsers) {
            return path;
        }
        return path.resolve(FILE_NAME.matcher(key).matches() ? key : TokenStore.key(key));
    }

    private <T extends @Nullable Object> T locked(String key, LockFile.Work<T> work) throws IOException {
        Path file = files.directory(file(key));
        return LockFile.with(file, files, work);
    }

    /**
     * Runs a task on a thread that may block. A subscriber that cancels does not interrupt it: an interrupt would close
     * the channel, and with it end the locks.
     */
    private static <T> Mono<T> onOwnThread(Callable<T> task) {
        return Mono.create(sink -> Io.SCHEDULER.schedule(() -> {
            try {
                sink.success(task.call());
            } catch (IOException e) {
                sink.error(new UncheckedIOException(OwnedFiles.message(e), e));
            } catch (Exception | Error e) {
                sink.error(e);
            }
        }));
    }

    @Override
    public String toString() {
        return "FileTokenStore[" + path + (keys == null ? "" : ", sealed") + "]";
    }
}
