package io.tokenswap.samples.exchange;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.util.Base64;
import org.junit.jupiter.api.Test;

class SealTest {

    private static final byte[] PLAIN = "plain".getBytes(StandardCharsets.UTF_8);

    private final SecureRandom random = new SecureRandom();
    private final Seal seal = Seal.create(null, random);

    @Test
    void opensWhatItSealed() {
        assertThat(seal.open("login", seal.seal("login", PLAIN))).isEqualTo(PLAIN);
    }

    @Test
    void sealsTheSameDifferentlyEachTime() {
        assertThat(seal.seal("login", PLAIN)).isNotEqualTo(seal.seal("login", PLAIN));
    }

    @Test
    void opensNothingThatWasSealedForAnotherPurposeOrUnderAnotherKey() {
        assertThat(seal.open("code", seal.seal("login", PLAIN))).isNull();
        assertThat(seal.open("login", Seal.create(null, random).seal("login", PLAIN)))
                .isNull();
    }

    @Test
    void opensUnderTheSameKeyInAnotherProcess() {
        byte[] key = new byte[Seal.KEY_BYTES];
        random.nextBytes(key);

        assertThat(Seal.create(key, random)
                        .open("login", Seal.create(key, random).seal("login", PLAIN)))
                .isEqualTo(PLAIN);
    }

    @Test
    void noticesEveryFlippedBitAndEveryCut() {
        byte[] sealed = Base64.getUrlDecoder().decode(seal.seal("login", PLAIN));
        Base64.Encoder encoder = Base64.getUrlEncoder().withoutPadding();

        for (int bit = 0; bit < sealed.length * 8; bit++) {
            byte[] flipped = sealed.clone();
            flipped[bit / 8] ^= (byte) (1 << bit % 8);
            assertThat(seal.open("login", encoder.encodeToString(flipped))).isNull();
        }
        for (int length = 0; length < sealed.length; length++) {
            assertThat(seal.open("login", encoder.encodeToString(java.util.Arrays.copyOf(sealed, length))))
                    .isNull();
        }
    }

    @Test
    void hasOneSpellingOnly() {
        String sealed = seal.seal("login", new byte[0]);

        assertThat(sealed.length() % 4).isEqualTo(3);
        assertThat(seal.open("login", sealed)).isNotNull();
        assertThat(seal.open("login", sealed + "=")).isNull();
        assertThat(seal.open("login", strayBits(sealed))).isNull();
        assertThat(seal.open("login", "not base64!")).isNull();
    }

    /** The same bytes to a forgiving decoder. */
    private static String strayBits(String sealed) {
        String alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        int last = alphabet.indexOf(sealed.charAt(sealed.length() - 1));
        String stray = sealed.substring(0, sealed.length() - 1) + alphabet.charAt(last | 1);
        assertThat(Base64.getUrlDecoder().decode(stray))
                .isEqualTo(Base64.getUrlDecoder().decode(sealed));
        return stray;
    }
}
