package io.tokenswap.samples.webflux;

import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.Base64;
import org.springframework.stereotype.Component;

/**
 * Random ids of 256 bits, which cannot be guessed. The generator is seeded while the service starts, and reads no file
 * afterwards, so that it may be used on event loops.
 */
@Component
final class Ids {

    private final SecureRandom random;

    Ids() throws NoSuchAlgorithmException {
        random = SecureRandom.getInstance("DRBG");
        random.nextBytes(new byte[1]);
    }

    String random() {
        byte[] bytes = new byte[32];
        random.nextBytes(bytes);
        return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    }
}
