package io.tokenswap.store;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import org.jspecify.annotations.Nullable;

/**
 * Locks of one record, between processes and within this process.
 *
 * <p>Byte 0 of the file is the lease: locked from the grant to the result, for seconds. Byte 1 is locked while a record
 * is read, compared and replaced, for milliseconds, by holders of the lease and others. Byte 2 is locked by the process
 * whose turn is next. Byte 3 is shared by all that hold or look for a lease, and shows it to other copies of this
 * class. The number of the last attempt and the pause follow at byte 16, because on some systems a locked byte cannot be
 * read. Only the holder of the lease writes them.
 *
 * <p>A lock of the operating system belongs to the process and not to the channel: if any channel of the file is
 * closed, all locks of the process on it are gone. So there is one object for each file, with at most one open channel,
 * which is closed when nothing is locked. All methods are called by {@link #with}, which admits one thread of the
 * process at a time.
 *
 * <p>Several applications of one process may each have loaded this class. Their copies share two things: strings that
 * are interned, which {@link #with} uses as monitors, and the JDK's own table of locks, which refuses a second lock on
 * byte 3 of a file. A copy that finds the lease of another copy there keeps its channel open until its next operation.
 */
final class LockFile {

    private static final ConcurrentMap<Path, LockFile> IN_USE = new ConcurrentHashMap<>();

    private static final int LEASE = 0;
    private static final int WRITE = 1;
    private static final int NEXT = 2;
    private static final int LEASED = 3;
    private static final int TEXT = 16;
    private static final int TEXT_BYTES = 64;

    private final Path path;
    private final OwnedFiles files;

    /** Threads inside {@link #with}, or waiting for it. Changed only inside {@code compute}. */
    private int threads;

    private @Nullable FileChannel channel;
    private @Nullable FileLock lease;
    /** Shows the lease to other copies of this class. */
    private @Nullable FileLock leased;

    private @Nullable String owner;
    private long attempt;

    private LockFile(Path path, OwnedFiles files) {
        this.path = path;
        this.files = files;
    }

    interface Work<T extends @Nullable Object> {
        T with(Path file, LockFile lock) throws IOException;
    }

    interface Step<T extends @Nullable Object> {
        T run() throws IOException;
    }

    static <T extends @Nullable Object> T with(Path file, OwnedFiles files, Work<T> work) throws IOException {
        Path path = file.resolveSibling(file.getFileName() + ".lock");
        LockFile lock = IN_USE.compute(path, (p, used) -> {
            LockFile entered = used == null ? new LockFile(p, files) : used;
            entered.threads++;
            return entered;
        });
        try {
            // The same object for all copies of this class.
            synchronized (("io.tokenswap.store " + path).intern()) {
                try {
                    return work.with(file, lock);
                } finally {
                    lock.closeIfFree();
                }
            }
        } finally {
            IN_USE.computeIfPresent(path, (p, used) -> --used.threads == 0 && used.channel == null ? null : used);
        }
    }

    /** Takes the lease if it is free. */
    boolean tryLease() throws IOException {
        if (lease != null) {
            return false;
        }
        lease = tryLock(LEASE);
        if (lease == null) {
            return false;
        }
        leased = channel().tryLock(LEASED, 1, true);
        return true;
    }

    void grant(String owner, long attempt, Instant now) throws IOException {
        this.owner = owner;
        this.attempt = attempt;
        write(new Lease(attempt, now, now));
    }

    boolean isHeldBy(String owner, long attempt) {
        return lease != null && owner.equals(this.owner) && attempt == this.attempt;
    }

    /** Ends the lease if this attempt has it. */
    boolean endLease(String owner, long attempt) throws IOException {
        if (!isHeldBy(owner, attempt)) {
            return false;
        }
        dropLease();
        return true;
    }

    void dropLease() throws IOException {
        FileLock held = lease;
        FileLock known = leased;
        lease = null;
        leased = null;
        owner = null;
        if (held != null) {
            held.release();
        }
        if (known != null) {
            known.release();
        }
    }

    /** Writes a pause to the file. The caller holds the lease. */
    void pause(Instant now, Duration pause) throws IOException {
        write(new Lease(attempt, now, now.plus(pause)));
    }

    /**
     * Runs a step while no other process runs one. Processes take turns: without the second lock, one that writes again
     * and again would hardly ever be found without its lock, because the others only look from time to time.
     */
    <T extends @Nullable Object> T exclusively(Step<T> step) throws IOException {
        long start = System.nanoTime();
        FileLock lock;
        FileLock turn = awaitLock(NEXT, start);
        try {
            lock = awaitLock(WRITE, start);
        } finally {
            turn.release();
        }
        try {
            return step.run();
        } finally {
            lock.release();
        }
    }

    private FileLock awaitLock(long position, long start) throws IOException {
        FileLock lock = tryLock(position);
        while (lock == null) {
            Duration limit = files.lockLimit();
            if (System.nanoTime() - start > limit.toNanos()) {
                throw new IOException(path + " has been locked by other processes for " + limit.toSeconds()
                        + " s. Is one of them stopped?");
            }
            pauseThread();
            lock = tryLock(position);
        }
        return lock;
    }

    /** Blocks, on a thread of the store, which may: the system does not tell a process that a lock has become free. */
    private static void pauseThread() throws IOException {
        try {
            Thread.sleep(2);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("Interrupted while waiting for a lock", e);
        }
    }

    private @Nullable FileLock tryLock(long position) throws IOException {
        FileChannel open = channel();
        try {
            return files.tryLock(open, position);
        } catch (OverlappingFileLockException e) {
            return null; // another class loader of this process has loaded this class, too
        } catch (IOException e) {
            throw new IOException(
                    "The file system refused to lock " + path + ". Use a directory on a local disk. (" + e.getMessage()
                            + ")",
                    e);
        }
    }

    /** Returns the last attempt and pause that a process has written. The caller holds the lease. */
    Lease lease() throws IOException {
        ByteBuffer text = ByteBuffer.allocate(TEXT_BYTES);
        try {
            while (text.hasRemaining() && channel().read(text, TEXT + text.position()) > 0) {
                // until the text is complete or the file ends
            }
        } catch (IOException e) {
            throw unusable(e);
        }
        return Lease.parse(new String(text.array(), 0, text.position(), StandardCharsets.US_ASCII));
    }

    private void write(Lease next) throws IOException {
        byte[] text = new byte[TEXT_BYTES];
        byte[] line = next.toString().getBytes(StandardCharsets.US_ASCII);
        System.arraycopy(line, 0, text, 0, line.length);
        ByteBuffer bytes = ByteBuffer.wrap(text);
        try {
            while (bytes.hasRemaining()) {
                channel().write(bytes, TEXT + bytes.position());
            }
        } catch (IOException e) {
            throw unusable(e);
        }
    }

    private FileChannel channel() throws IOException {
        FileChannel open = channel;
        if (open == null) {
            try {
                open = files.openLock(path);
            } catch (IOException e) {
                throw unusable(e);
            }
            channel = open;
        }
        return open;
    }

    private IOException unusable(IOException e) {
        return new IOException("The lock file " + path + " cannot be used: " + OwnedFiles.message(e), e);
    }

    private void closeIfFree() throws IOException {
        FileChannel open = channel;
        if (open != null && lease == null && !isLeasedByAnotherCopy(open)) {
            channel = null;
            open.close();
        }
    }

    /** Other processes do not count: byte 3 is shared with them. */
    private static boolean isLeasedByAnotherCopy(FileChannel open) {
        try {
            FileLock lock = open.tryLock(LEASED, 1, true);
            if (lock != null) {
                lock.release();
            }
            return false;
        } catch (OverlappingFileLockException e) {
            return true;
        } catch (IOException e) {
            return false; // a file system without locks
        }
    }

    /**
     * Content of the lock file.
     *
     * @param attempt the number of the last attempt
     * @param noted the time of writing
     * @param notBefore the end of the pause
     */
    record Lease(long attempt, Instant noted, Instant notBefore) {

        private static final Lease NONE = new Lease(0, Instant.EPOCH, Instant.EPOCH);

        static Lease parse(String text) {
            String[] parts = text.trim().split(" ", -1);
            try {
                return parts.length < 3
                        ? NONE
                        : new Lease(
                                Long.parseLong(parts[0]),
                                Instant.ofEpochMilli(Long.parseLong(parts[1])),
                                Instant.ofEpochMilli(Long.parseLong(parts[2])));
            } catch (NumberFormatException | DateTimeException damaged) {
                return NONE;
            }
        }

        /** Returns the rest of the pause. The pause also ends if the clock is set back to a time before its start. */
        Duration pauseAt(Instant now) {
            return now.isBefore(noted) || !now.isBefore(notBefore) ? Duration.ZERO : Duration.between(now, notBefore);
        }

        @Override
        public String toString() {
            return attempt + " " + noted.toEpochMilli() + " " + notBefore.toEpochMilli() + " ";
        }
    }
}
