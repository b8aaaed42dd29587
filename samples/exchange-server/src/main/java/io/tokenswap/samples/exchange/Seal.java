package io.tokenswap.samples.exchange;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.Base64;
import javax.crypto.AEADBadTagException;
import javax.crypto.Cipher;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;

/**
 * Hands data out and recognises it when it comes back: AES-256-GCM under a key of this server, in base64url. Nobody else can
 * read it, change a bit of it, or use what was sealed for one purpose for another.
 *
 * <pre>
 * version (1 byte) | nonce (12) | ciphertext and tag          associated data: version, purpose
 * </pre>
 */
final class Seal {

    static final int KEY_BYTES = 32;

    private static final byte VERSION = 1;
    private static final int NONCE_BYTES = 12;
    private static final int TAG_BYTES = 16;
    private static final Base64.Encoder ENCODER = Base64.getUrlEncoder().withoutPadding();

    private final SecretKeySpec key;
    private final SecureRandom random;

    private Seal(byte[] key, SecureRandom random) {
        this.key = new SecretKeySpec(key, "AES");
        this.random = random;
    }

    /** A seal under a given key, or under one of its own when there is none. */
    static Seal create(byte @Nullable [] key, SecureRandom random) {
        byte[] bytes = key;
        if (bytes == null) {
            bytes = new byte[KEY_BYTES];
            random.nextBytes(bytes);
        }
        return new Seal(bytes, random);
    }

    String seal(String purpose, byte[] plain) {
        byte[] nonce = new byte[NONCE_BYTES];
        random.nextBytes(nonce);
        try {
            byte[] sealed = cipher(Cipher.ENCRYPT_MODE, nonce, purpose).doFinal(plain);
            return ENCODER.encodeToString(ByteBuffer.allocate(1 + NONCE_BYTES + sealed.length)
                    .put(VERSION)
                    .put(nonce)
                    .put(sealed)
                    .array());
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("Every Java platform has AES-GCM", e);
        }
    }

    /** What was sealed for this purpose, or null if it was not sealed here. */
    byte @Nullable [] open(String purpose, String sealed) {
        ByteBuffer bytes = decode(sealed);
        if (bytes == null || bytes.remaining() < 1 + NONCE_BYTES + TAG_BYTES || bytes.get() != VERSION) {
            return null;
        }
        byte[] nonce = new byte[NONCE_BYTES];
        byte[] ciphertext = new byte[bytes.remaining() - NONCE_BYTES];
        bytes.get(nonce).get(ciphertext);
        try {
            return cipher(Cipher.DECRYPT_MODE, nonce, purpose).doFinal(ciphertext);
        } catch (AEADBadTagException forged) {
            return null;
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("Every Java platform has AES-GCM", e);
        }
    }

    private static @Nullable ByteBuffer decode(String sealed) {
        try {
            byte[] bytes = Base64.getUrlDecoder().decode(sealed);
            // The decoder forgives padding and stray bits at the end; there must be one spelling only.
            return ENCODER.encodeToString(bytes).equals(sealed) ? ByteBuffer.wrap(bytes) : null;
        } catch (IllegalArgumentException malformed) {
            return null;
        }
    }

    private Cipher cipher(int mode, byte[] nonce, String purpose) throws GeneralSecurityException {
        Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
        cipher.init(mode, key, new GCMParameterSpec(8 * TAG_BYTES, nonce));
        cipher.updateAAD(new byte[] {VERSION});
        cipher.updateAAD(purpose.getBytes(StandardCharsets.UTF_8));
        return cipher;
    }
}
