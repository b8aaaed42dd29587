package io.tokenswap.store;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.AccessDeniedException;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.AclEntry;
import java.nio.file.attribute.AclEntryPermission;
import java.nio.file.attribute.AclEntryType;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.nio.file.attribute.UserPrincipal;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Files that only their owner may use. They are created so, read only if they still are so, and replaced as a whole.
 * Each step on the disk is a separate method, which tests override to fail or to end there.
 */
class OwnedFiles {

    private static final int LONGEST = 1 << 17;

    private static final Set<PosixFilePermission> OTHERS = EnumSet.of(
            PosixFilePermission.GROUP_READ,
            PosixFilePermission.GROUP_WRITE,
            PosixFilePermission.GROUP_EXECUTE,
            PosixFilePermission.OTHERS_READ,
            PosixFilePermission.OTHERS_WRITE,
            PosixFilePermission.OTHERS_EXECUTE);
    private static final Set<PosixFilePermission> OTHERS_WRITE =
            EnumSet.of(PosixFilePermission.GROUP_WRITE, PosixFilePermission.OTHERS_WRITE);

    OwnedFiles() {}

    /**
     * Returns the content of a file, or null if the file does not exist. Returns only the beginning of a file that is
     * too long to be a record.
     */
    byte @Nullable [] read(Path file) throws IOException {
        try {
            Path real = real(file);
            checkFile(real);
            try (FileChannel channel = open(real, Set.of(StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS))) {
                ByteBuffer bytes = ByteBuffer.allocate((int) Math.min(channel.size(), LONGEST) + 1);
                while (bytes.hasRemaining() && channel.read(bytes) >= 0) {
                    // until the buffer is full or the file ends
                }
                byte[] read = new byte[bytes.position()];
                bytes.flip().get(read);
                return read;
            }
        } catch (NoSuchFileException absent) {
            return null;
        }
    }

    /** Replaces the content of a file, or creates it. Only one caller at a time replaces a file. */
    void replace(Path file, byte[] content) throws IOException {
        Path temporary = file.resolveSibling(file.getFileName() + ".tmp");
        try {
            // Of a process that was killed. It cannot be in use: the caller has the lock.
            Files.deleteIfExists(temporary);
            try (FileChannel channel = create(temporary)) {
                write(channel, ByteBuffer.wrap(content));
                force(channel);
            }
            move(temporary, file);
            forceDirectory(parent(file));
        } catch (IOException e) {
            deleteQuietly(temporary);
            throw notSaved(file, e);
        }
    }

    /** Renames a damaged file, so that it can be inspected and the next write succeeds. */
    void setAside(Path file) throws IOException {
        Path real = real(file);
        Files.move(real, real.resolveSibling(real.getFileName() + ".damaged"), StandardCopyOption.REPLACE_EXISTING);
    }

    /** Creates the directories of a file where they are missing, and returns the file in its real directory. */
    Path directory(Path file) throws IOException {
        Path directory = parent(file);
        if (!Files.isDirectory(directory)) {
            try {
                Files.createDirectories(directory, ownerOnly(directory, "rwx------"));
            } catch (FileAlreadyExistsException e) {
                throw new FileSystemException(directory.toString(), null, "It is no directory");
            }
        }
        checkDirectory(directory.toRealPath());
        return real(file);
    }

    FileChannel openLock(Path path) throws IOException {
        return FileChannel.open(
                path,
                Set.<OpenOption>of(
                        StandardOpenOption.CREATE,
                        StandardOpenOption.READ,
                        StandardOpenOption.WRITE,
                        LinkOption.NOFOLLOW_LINKS),
                ownerOnly(path, "rw-------"));
    }

    @Nullable FileLock tryLock(FileChannel channel, long position) throws IOException {
        return channel.tryLock(position, 1, false);
    }

    /**
     * Time after which an operation gives up a lock. A session waits for an operation as long, and then repeats it: if
     * operations waited longer, those of a key that a stopped process has locked would take all threads.
     */
    Duration lockLimit() {
        return Duration.ofSeconds(5);
    }

    FileChannel create(Path file) throws IOException {
        return FileChannel.open(
                file,
                Set.<OpenOption>of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
                ownerOnly(file, "rw-------"));
    }

    FileChannel open(Path file, Set<OpenOption> options) throws IOException {
        return FileChannel.open(file, options);
    }

    void write(FileChannel channel, ByteBuffer content) throws IOException {
        while (content.hasRemaining()) {
            channel.write(content);
        }
    }

    void force(FileChannel channel) throws IOException {
        channel.force(true);
    }

    void move(Path from, Path to) throws IOException {
        try {
            Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
        } catch (AtomicMoveNotSupportedException e) {
            throw new IOException("The file system of " + to + " cannot replace files atomically", e);
        }
    }

    /** Forces the new name to the disk. Windows neither offers nor needs this. */
    void forceDirectory(Path directory) throws IOException {
        if (isPosix(directory)) {
            try (FileChannel channel = open(directory, Set.of(StandardOpenOption.READ))) {
                channel.force(true);
            }
        }
    }

    private static Path parent(Path file) {
        Path directory = file.toAbsolutePath().getParent();
        if (directory == null) {
            throw new IllegalArgumentException("The root directory is no file for a token");
        }
        return directory;
    }

    /** Returns the file in its real directory. A home directory may be a link, but the file itself may not. */
    private static Path real(Path file) throws IOException {
        return parent(file).toRealPath().resolve(file.getFileName());
    }

    private static void checkDirectory(Path directory) throws IOException {
        if (isPosix(directory)) {
            PosixFileAttributes attributes = Files.readAttributes(directory, PosixFileAttributes.class);
            if (attributes.permissions().stream().anyMatch(OTHERS_WRITE::contains)) {
                throw refused(directory, "others may write to this directory. Remedy: chmod go-w");
            }
        }
    }

    private static void checkFile(Path file) throws IOException {
        checkDirectory(parent(file));
        if (!isPosix(file)) {
            if (Files.isSymbolicLink(file)) {
                throw refused(file, "it is a link");
            }
            return;
        }
        PosixFileAttributes attributes =
                Files.readAttributes(file, PosixFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
        if (!attributes.isRegularFile()) {
            throw refused(file, attributes.isSymbolicLink() ? "it is a link" : "it is no file");
        }
        if (!attributes.owner().equals(Self.user(parent(file)))) {
            throw refused(file, "it belongs to another user");
        }
        if (attributes.permissions().stream().anyMatch(OTHERS::contains)) {
            throw refused(file, "other users may read it. Remedy: chmod 600");
        }
        if (Files.getAttribute(file, "unix:nlink", LinkOption.NOFOLLOW_LINKS) instanceof Integer names && names > 1) {
            throw refused(file, "it has several names (hard links)");
        }
    }

    private static FileSystemException refused(Path path, String reason) {
        return new FileSystemException(path.toString(), null, "Refused: " + reason);
    }

    private static IOException notSaved(Path file, IOException cause) {
        String reason = cause instanceof FileSystemException known && known.getReason() != null
                ? known.getReason()
                : message(cause);
        IOException named = new FileSystemException(file.toString(), null, "The token was not saved: " + reason);
        named.initCause(cause);
        return named;
    }

    /** Returns a message that names the file and the reason. In the most frequent cases, that of the JDK names only the file. */
    static String message(IOException error) {
        if (!(error instanceof FileSystemException named) || named.getReason() != null) {
            return String.valueOf(error.getMessage());
        }
        String reason = error instanceof AccessDeniedException
                ? "The user of this process has no permission"
                : error.getClass().getSimpleName();
        return named.getFile() + ": " + reason;
    }

    private static void deleteQuietly(Path file) {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            // The next write deletes it.
        }
    }

    private static boolean isPosix(Path path) {
        return path.getFileSystem().supportedFileAttributeViews().contains("posix");
    }

    private static FileAttribute<?>[] ownerOnly(Path path, String permissions) throws IOException {
        Set<String> views = path.getFileSystem().supportedFileAttributeViews();
        if (views.contains("posix")) {
            return new FileAttribute<?>[] {
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString(permissions))
            };
        }
        if (views.contains("acl")) {
            List<AclEntry> entries = List.of(AclEntry.newBuilder()
                    .setType(AclEntryType.ALLOW)
                    .setPrincipal(Self.user(parent(path)))
                    .setPermissions(EnumSet.allOf(AclEntryPermission.class))
                    .build());
            return new FileAttribute<?>[] {
                new FileAttribute<List<AclEntry>>() {
                    @Override
                    public String name() {
                        return "acl:acl";
                    }

                    @Override
                    public List<AclEntry> value() {
                        return entries;
                    }
                }
            };
        }
        return new FileAttribute<?>[0];
    }

    /**
     * User of this process, found as the owner of the files that it creates. In a container the user may have no name, and
     * the directory for temporary files may be read-only.
     */
    private static final class Self {

        private static volatile @Nullable UserPrincipal user;

        /** Returns the user. The first call creates a file, in the given directory if no other one takes it. */
        static UserPrincipal user(Path directory) throws IOException {
            UserPrincipal known = user;
            if (known == null) {
                known = ownerOfNewFile(directory);
                user = known;
            }
            return known;
        }

        private static UserPrincipal ownerOfNewFile(Path directory) throws IOException {
            Path created;
            try {
                created = Files.createTempFile("tokenswap", null);
            } catch (IOException e) {
                created = Files.createTempFile(directory, "tokenswap", null);
            }
            try {
                return Files.getOwner(created);
            } finally {
                Files.delete(created);
            }
        }
    }
}
