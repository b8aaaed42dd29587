package io.tokenswap.internal;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.ReadableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.Base64;
import org.jspecify.annotations.Nullable;

/**
 * Cryptographically strong random bytes that never block the calling thread, not even the first time. Logins begin and
 * messages are sealed on event loops. Safe for use by any thread.
 *
 * <p>Texts are random bytes of the kernel's generator, read through a channel, which does not block. The stream from
 * which the JDK reads the same device does. Texts are needed once a login, and a program starts with one: the JDK's
 * generator would load thirty classes more.
 *
 * <p>Bytes, of which a server needs thousands a second, come from the DRBG of the JDK (NIST SP 800-90A), which this class
 * seeds from the kernel. On systems without the device file the JDK's source is a system call, which does not block
 * either.
 */
public final class RandomBytes {

    /** The seed length of Hash_DRBG with SHA-256: 440 bits. */
    private static final int SEED_BYTES = 55;

    private static final Path KERNEL = Path.of("/dev/urandom");

    private RandomBytes() {}

    /** Made when the first bytes are needed; null also while the kernel gave no seed. */
    private static volatile @Nullable SecureRandom generator;

    /**
     * Returns random bytes.
     *
     * @param length the number of bytes
     * @return a new array
     */
    public static byte[] next(int length) {
        byte[] bytes = new byte[length];
        generator().nextBytes(bytes);
        return bytes;
    }

    /**
     * Returns random bytes as text.
     *
     * @param length the number of bytes
     * @return the bytes in base64url without padding
     */
    public static String base64Url(int length) {
        byte[] bytes = kernelBytes(length);
        return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes == null ? next(length) : bytes);
    }

    private static SecureRandom generator() {
        SecureRandom made = generator;
        return made != null ? made : make();
    }

    private static synchronized SecureRandom make() {
        SecureRandom made = generator;
        if (made != null) {
            return made;
        }
        byte[] seed = kernelBytes(SEED_BYTES);
        if (seed == null && Files.exists(KERNEL)) {
            // No free file descriptor, for example. That passes, and the next call tries again.
            return new SecureRandom();
        }
        made = seed == null ? new SecureRandom() : seeded(seed);
        generator = made;
        return made;
    }

    private static SecureRandom seeded(byte[] seed) {
        try {
            SecureRandom random = SecureRandom.getInstance("DRBG");
            random.setSeed(seed);
            return random;
        } catch (NoSuchAlgorithmException e) {
            return new SecureRandom();
        }
    }

    /**
     * Returns bytes of the kernel, or null where it gives none. The thread of a cancelled task may be interrupted, which
     * closes a channel. It gets its bytes nevertheless, and stays interrupted.
     */
    private static byte @Nullable [] kernelBytes(int length) {
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    return readKernel(length);
                } catch (ClosedByInterruptException e) {
                    interrupted |= Thread.interrupted();
                } catch (IOException e) {
                    return null;
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private static byte @Nullable [] readKernel(int length) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(length);
        try (ReadableByteChannel channel = Files.newByteChannel(KERNEL)) {
            while (bytes.hasRemaining()) {
                if (channel.read(bytes) < 0) {
                    return null;
                }
            }
            return bytes.array();
        }
    }
}
