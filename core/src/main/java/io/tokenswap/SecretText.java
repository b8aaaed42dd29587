package io.tokenswap;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** Operations that all secrets share: comparison in constant time, and a short name that reveals nothing. */
final class SecretText {

    private SecretText() {}

    /** Compares two secrets in a time that depends on their lengths only. */
    static boolean areEqual(String one, String other) {
        return MessageDigest.isEqual(one.getBytes(StandardCharsets.UTF_8), other.getBytes(StandardCharsets.UTF_8));
    }

    /** Returns the first eight hexadecimal digits of the secret's SHA-256. */
    static String fingerprint(String secret) {
        return HexFormat.of().formatHex(sha256(secret), 0, 4);
    }

    static byte[] sha256(String text) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("Every Java platform has SHA-256", e);
        }
    }
}
