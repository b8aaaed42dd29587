package io.tokenswap.samples.exchange;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;

/**
 * Names a code or a refresh token without revealing it: SHA-256 of the purpose, the application and the provider's own value. All
 * nodes compute the same name, whatever keys they seal with. The four numbers are the 32 bytes of the hash: a text would
 * take twice the memory of each result that is kept.
 */
record GrantKey(long first, long second, long third, long fourth) {

    static GrantKey of(GrantType purpose, String application, String value) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            for (String part : new String[] {purpose.value, application, value}) {
                byte[] bytes = part.getBytes(StandardCharsets.UTF_8);
                digest.update((bytes.length + ":").getBytes(StandardCharsets.US_ASCII));
                digest.update(bytes);
            }
            ByteBuffer hash = ByteBuffer.wrap(digest.digest());
            return new GrantKey(hash.getLong(), hash.getLong(), hash.getLong(), hash.getLong());
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("Every Java platform has SHA-256", e);
        }
    }

    /** Returns the name as text, for the memory that the instances share. */
    String hash() {
        byte[] hash = ByteBuffer.allocate(4 * Long.BYTES)
                .putLong(first)
                .putLong(second)
                .putLong(third)
                .putLong(fourth)
                .array();
        return Base64.getUrlEncoder().withoutPadding().encodeToString(hash);
    }
}
