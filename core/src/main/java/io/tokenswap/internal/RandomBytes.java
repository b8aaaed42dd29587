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
 * <p>The bytes come from the DRBG of the JDK (NIST SP 800-90A). The JDK would seed it from a file through a blocking
 * stream. This class therefore seeds it, with bytes of the kernel's generator that are read through a channel, which
 * does not block. On systems without the device file the JDK's source is a system call, which does not block either.
 */
public final class RandomBytes {

    /** The seed length of Hash_DRBG with SHA-256: 440 bits. */
    private static final int SEED_BYTES = 55;

    private static final Path KERNEL = Path.of("/dev/urandom");
    private static final SecureRandom RANDOM = seeded();

    private RandomBytes() {}

    /**
     * Returns random bytes.
     *
     * @param length the number of bytes
     * @return a new array
     */
    public static byte[] next(int length) {
        byte[] bytes = new byte[length];
        RANDOM.nextBytes(bytes);
        return bytes;
    }

    /**
     * Returns random bytes as text.
     *
     * @param length the number of bytes
     * @return the bytes in base64url without padding
     */
    public static String base64Url(int length) {
        return Base64.getUrlEncoder().withoutPadding().encodeToString(next(length));
    }

    private static SecureRandom seeded() {
        byte[] seed = kernelBytes();
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

    private static byte @Nullable [] kernelBytes() {
        if (!Files.isReadable(KERNEL)) {
            return null;
        }
        ByteBuffer seed = ByteBuffer.allocate(SEED_BYTES);
        try (ReadableByteChannel channel = Files.newByteChannel(KERNEL)) {
            while (seed.hasRemaining()) {
                if (channel.read(seed) < 0) {
                    return null;
                }
            }
            return seed.array();
        } catch (IOException e) {
            return null;
        }
    }
}
