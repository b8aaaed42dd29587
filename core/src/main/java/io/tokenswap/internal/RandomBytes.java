package io.tokenswap.internal;

import java.io.IOException;
import java.nio.ByteBuffer;
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

    /** Generator of bytes, which is made when the first are needed. */
    private static final class Drbg {

        static final SecureRandom RANDOM = seeded();

        private static SecureRandom seeded() {
            byte[] seed = kernelBytes(SEED_BYTES);
            if (seed == null) {
                return new SecureRandom();
            }
            try {
                SecureRandom random = SecureRandom.getInstance("DRBG");
                random.setSeed(seed);
                return random;
            } catch (NoSuchAlgorithmException e) {
                return new SecureRandom();
            }
        }
    }

    /**
     * Returns random bytes.
     *
     * @param length the number of bytes
     * @return a new array
     */
    public static byte[] next(int length) {
        byte[] bytes = new byte[length];
        Drbg.RANDOM.nextBytes(bytes);
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

    /** Returns bytes of the kernel, or null on a system without the device file. */
    private static byte @Nullable [] kernelBytes(int length) {
        if (!Files.isReadable(KERNEL)) {
            return null;
        }
        ByteBuffer bytes = ByteBuffer.allocate(length);
        try (ReadableByteChannel channel = Files.newByteChannel(KERNEL)) {
            while (bytes.hasRemaining()) {
                if (channel.read(bytes) < 0) {
                    return null;
                }
            }
            return bytes.array();
        } catch (IOException e) {
            return null;
        }
    }
}
