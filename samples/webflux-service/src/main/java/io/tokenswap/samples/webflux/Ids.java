package io.tokenswap.samples.webflux;

import java.security.SecureRandom;
import java.util.Base64;

/** Names that nobody can guess: 256 random bits. */
final class Ids {

    private static final SecureRandom RANDOM = new SecureRandom();

    private Ids() {}

    static String random() {
        byte[] bytes = new byte[32];
        RANDOM.nextBytes(bytes);
        return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    }
}
