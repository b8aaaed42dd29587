package io.tokenswap;

import io.tokenswap.internal.Sha256;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
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
        return HexFormat.of().formatHex(Sha256.of(secret), 0, 4);
    }
}
