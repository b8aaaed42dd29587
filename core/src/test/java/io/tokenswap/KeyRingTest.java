package io.tokenswap;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.tokenswap.KeyRing.OpenException;
import io.tokenswap.KeyRing.OpenException.Reason;
import io.tokenswap.internal.RandomBytes;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

class KeyRingTest {

    private static final byte[] CONTENT = "canary content".getBytes(StandardCharsets.UTF_8);
    private static final Instant NOW = Instant.parse("2030-01-01T00:00:00Z");
    private static final Base64.Encoder URL = Base64.getUrlEncoder().withoutPadding();

    private static String key() {
        return Base64.getEncoder().encodeToString(RandomBytes.next(32));
    }

    private static KeyRing at(Instant now, String primary, String... older) {
        return KeyRing.of(primary, older).withClock(() -> now);
    }

    private static OpenException refusal(KeyRing keys, String sealed) {
        return catchThrowableOfType(OpenException.class, () -> keys.open("login", "", sealed));
    }

    private static String change(String sealed, UnaryOperator<byte[]> change) {
        return URL.encodeToString(change.apply(Base64.getUrlDecoder().decode(sealed)));
    }

    @Nested
    class Seals {

        private final KeyRing keys = KeyRing.random();

        @Test
        void openToTheirContent() {
            for (int length : new int[] {0, 1, 15, 16, 17, 5_000}) {
                byte[] content = RandomBytes.next(length);
                assertThat(keys.open("login", "data", keys.seal("login", "data", content)))
                        .isEqualTo(content);
            }
        }

        @Test
        void openUnderTheSameKeyInAnotherProcess() {
            String key = key();

            assertThat(KeyRing.of(key).open("login", "", KeyRing.of(key).seal("login", "", CONTENT)))
                    .isEqualTo(CONTENT);
        }

        @Test
        void haveTheSameLengthWhateverTheRing() {
            String sealed = KeyRing.of(key(), key()).seal("login", "", CONTENT);

            assertThat(sealed).hasSameSizeAs(keys.seal("login", "", CONTENT)).matches("[A-Za-z0-9_-]+");
        }

        @Test
        void openOnlyForTheirPurposeAndAssociatedData() {
            String sealed = keys.seal("login", "user-1", CONTENT);

            List<List<String>> others = List.of(
                    List.of("code", "user-1"),
                    List.of("login", "user-2"),
                    List.of("login", ""),
                    List.of("", "loginuser-1"),
                    List.of("loginuser-1", ""),
                    List.of("loginuser", "-1"));
            for (List<String> other : others) {
                assertThatThrownBy(() -> keys.open(other.get(0), other.get(1), sealed))
                        .isInstanceOfSatisfying(
                                OpenException.class, e -> assertThat(e.reason()).isEqualTo(Reason.ALTERED));
            }
        }

        /** Java would write a question mark for the half of a surrogate pair. */
        @Test
        void openOnlyForTheirAssociatedDataAlsoIfThatIsNoUnicode() {
            String sealed = keys.seal("login", "\uD83D", CONTENT);

            assertThat(keys.open("login", "\uD83D", sealed)).isEqualTo(CONTENT);
            for (String other : List.of("?", "\uD83E")) {
                assertThatThrownBy(() -> keys.open("login", other, sealed)).isInstanceOf(OpenException.class);
            }
        }

        @Test
        void areMadeAndOpenedOnAnEventLoopWithoutBlocking() {
            byte[] opened = Mono.fromSupplier(() -> KeyRing.random())
                    .map(ring -> ring.open("login", "", ring.seal("login", "", CONTENT)))
                    .subscribeOn(Schedulers.parallel())
                    .block(Duration.ofSeconds(20));

            assertThat(opened).isEqualTo(CONTENT);
        }

        @Test
        void areMadeByThePrimaryKeyAndOpenedByAnOlderOne() {
            String old = key();
            String fresh = key();
            String sealed = KeyRing.of(old).seal("login", "", CONTENT);
            KeyRing both = KeyRing.of(fresh, old);

            assertThat(both.open("login", "", sealed)).isEqualTo(CONTENT);
            assertThat(both.usesPrimaryKey(sealed)).isFalse();
            assertThat(both.usesPrimaryKey(both.seal("login", "", CONTENT))).isTrue();
            assertThat(KeyRing.of(fresh).open("login", "", both.seal("login", "", CONTENT)))
                    .isEqualTo(CONTENT);
        }
    }

    @Nested
    class AlteredTexts {

        private final KeyRing keys = KeyRing.of(key(), key());
        private final String sealed = keys.seal("login", "", CONTENT);

        /** Whatever bit a stranger flips: the text is altered, or by an unknown key, and never by a newer one. */
        @Test
        @Tag("C41")
        void areRefusedForEveryFlippedBit() {
            int length = Base64.getUrlDecoder().decode(sealed).length;
            for (int bit = 0; bit < 8 * length; bit++) {
                int flipped = bit;
                OpenException refusal = refusal(keys, change(sealed, bytes -> {
                    bytes[flipped / 8] ^= (byte) (1 << flipped % 8);
                    return bytes;
                }));
                boolean inKeyId = flipped >= 8 && flipped < 8 * 5;
                assertThat(refusal.reason())
                        .as("bit " + flipped)
                        .isEqualTo(inKeyId ? Reason.UNKNOWN_KEY : Reason.ALTERED);
            }
        }

        @Test
        @Tag("C41")
        void areRefusedForEveryCutAndEveryAddition() {
            int length = Base64.getUrlDecoder().decode(sealed).length;
            for (int cut = 0; cut < length; cut++) {
                int kept = cut;
                assertThat(refusal(keys, change(sealed, bytes -> Arrays.copyOf(bytes, kept)))
                                .reason())
                        .isEqualTo(Reason.ALTERED);
            }
            assertThat(refusal(keys, change(sealed, bytes -> Arrays.copyOf(bytes, length + 1)))
                            .reason())
                    .isEqualTo(Reason.ALTERED);
        }

        @Test
        void haveNoSecondSpelling() {
            String alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
            int spellings = 0;
            for (int length = 0; length < 3; length++) { // so that the last character has 4, 0 and 2 bits to spare
                String one = keys.seal("login", "", new byte[length]);
                byte[] bytes = Base64.getUrlDecoder().decode(one);
                for (char last : alphabet.toCharArray()) {
                    String other = one.substring(0, one.length() - 1) + last;
                    if (!other.equals(one)
                            && Arrays.equals(Base64.getUrlDecoder().decode(other), bytes)) {
                        spellings++;
                        assertThat(refusal(keys, other)).isNotNull();
                    }
                }
                for (String other : List.of(
                        one + "=",
                        one + "==",
                        " " + one,
                        one + "\n",
                        one.substring(0, 99) + "+" + one.substring(100))) {
                    assertThat(refusal(keys, other).reason()).isEqualTo(Reason.ALTERED);
                }
                assertThat(keys.open("login", "", one)).hasSize(length);
            }
            assertThat(spellings).isEqualTo(15 + 3);
        }

        @ParameterizedTest
        @MethodSource("io.tokenswap.KeyRingTest#junk")
        @Tag("C41")
        void thatAreNoSealsAreRefusedInTheSameWords(String junk) {
            OpenException refusal = refusal(keys, junk);

            assertThat(refusal.reason()).isEqualTo(Reason.ALTERED);
            assertThat(refusal)
                    .hasMessage("The sealed text was altered, or was sealed for another purpose.")
                    .hasNoCause();
            assertThat(refusal.getStackTrace()).isEmpty();
        }
    }

    static Stream<String> junk() {
        return Stream.of(
                "",
                "a",
                "canary",
                "not base64!",
                "AQBz3kvd-raw_refresh-token",
                "A".repeat(2_000),
                "A".repeat(1 << 20),
                "\u0000",
                "\ud800");
    }

    @Nested
    class Times {

        private final String key = key();
        private final String sealed = at(NOW, key).seal("login", "", CONTENT);

        @Test
        void oldestAcceptedAgeIsInclusive() {
            Duration age = Duration.ofMinutes(10);

            assertThat(at(NOW.plus(age), key).open("login", "", sealed, age)).isEqualTo(CONTENT);
            KeyRing later = at(NOW.plus(age).plusMillis(1), key);
            OpenException refusal =
                    catchThrowableOfType(OpenException.class, () -> later.open("login", "", sealed, age));
            assertThat(refusal.reason()).isEqualTo(Reason.EXPIRED);
            assertThat(refusal.sealedAt()).isEqualTo(NOW);
            assertThat(refusal.keyId()).isEqualTo(later.keyIds().iterator().next());
            assertThat(later.open("login", "", sealed)).isEqualTo(CONTENT);
        }

        @Test
        @Tag("E85")
        void sealThatIsMoreThanFiveMinutesAheadIsRefused() {
            assertThat(at(NOW.minus(Duration.ofMinutes(5)), key).open("login", "", sealed))
                    .isEqualTo(CONTENT);
            KeyRing behind = at(NOW.minus(Duration.ofMinutes(5)).minusMillis(1), key);
            assertThat(refusal(behind, sealed).reason()).isEqualTo(Reason.FUTURE);
            assertThatThrownBy(() -> behind.open("login", "", sealed, Duration.ofDays(1)))
                    .isInstanceOfSatisfying(
                            OpenException.class, e -> assertThat(e.reason()).isEqualTo(Reason.FUTURE));
        }

        /** Nodes whose clocks are far apart share a store. */
        @Test
        @Tag("D40")
        void storedContentIsOpenedWhateverTheClockSays() {
            KeyRing behind = at(NOW.minus(Duration.ofDays(3)), key);

            assertThat(behind.openAtAnyTime("login", "", sealed)).isEqualTo(CONTENT);
            assertThatThrownBy(() -> behind.openAtAnyTime("login", "other", sealed))
                    .isInstanceOf(OpenException.class);
        }

        @Test
        void extremeTimesAreCompared() {
            String atTheEnd = at(Instant.ofEpochMilli(Long.MAX_VALUE), key).seal("login", "", CONTENT);
            String atTheStart = at(Instant.ofEpochMilli(Long.MIN_VALUE), key).seal("login", "", CONTENT);

            assertThat(refusal(at(NOW, key), atTheEnd).reason()).isEqualTo(Reason.FUTURE);
            assertThatThrownBy(() -> at(NOW, key).open("login", "", atTheStart, Duration.ofDays(1)))
                    .isInstanceOf(OpenException.class);
        }
    }

    @Nested
    class Keys {

        private final String old = key();
        private final String fresh = key();

        @Test
        @Tag("E78")
        void thatIsNewerThanANodeIsToldFromOneThatHasRetired() {
            KeyRing ahead = at(NOW, fresh, old);
            KeyRing behind = at(NOW.minusSeconds(60), old);
            KeyRing finished = at(NOW.plusSeconds(60), fresh);

            OpenException newer = refusal(behind, ahead.seal("login", "", CONTENT));
            assertThat(newer.reason()).isEqualTo(Reason.NEWER_KEY);
            assertThat(newer.keyId()).isEqualTo(ahead.keyIds().iterator().next());
            assertThat(newer.sealedAt()).isEqualTo(NOW);
            assertThat(refusal(finished, behind.seal("login", "", CONTENT)).reason())
                    .isEqualTo(Reason.UNKNOWN_KEY);
        }

        @Test
        @Tag("E78")
        void thatIsNewerIsRecognisedByANodeThatRestartsWithItsOldKeys() {
            String sealed = at(NOW, fresh, old).seal("login", "", CONTENT);

            assertThat(refusal(at(NOW.plus(Duration.ofHours(12)), old), sealed).reason())
                    .isEqualTo(Reason.NEWER_KEY);
        }

        /** Listed first as accept-only, the new key vouches for the old one. Time shows that the old one has retired. */
        @Test
        @Tag("E78")
        void thatHasRetiredIsUnknownEvenIfItsSuccessorHasVouchedForIt() {
            String sealed = at(NOW, old, fresh).seal("login", "", CONTENT);

            assertThat(at(NOW, fresh, old).open("login", "", sealed)).isEqualTo(CONTENT);
            assertThat(refusal(at(NOW.plus(Duration.ofDays(1)), fresh), sealed).reason())
                    .isEqualTo(Reason.UNKNOWN_KEY);
        }

        @Test
        @Tag("E78")
        void thatAcceptsOnlyOpensWhatItsNodesWillSealLater() {
            assertThat(at(NOW, old, fresh).open("login", "", at(NOW, fresh, old).seal("login", "", CONTENT)))
                    .isEqualTo(CONTENT);
        }

        /** The header is in clear. Nothing that a stranger writes there makes an unknown key a newer one. */
        @Test
        @Tag("E78")
        void cannotBeMadeNewerByAStranger() {
            KeyRing node = at(NOW, old, key());
            String genuine = at(NOW, fresh, old).seal("login", "", CONTENT);
            assertThat(refusal(node, genuine).reason()).isEqualTo(Reason.NEWER_KEY);

            for (int position : new int[] {1, 4, 5, 12, 13, 44, 45, 48, 49, 60}) {
                assertThat(refusal(node, change(genuine, bytes -> {
                                    bytes[position] ^= 1;
                                    return bytes;
                                }))
                                .reason())
                        .as("byte " + position)
                        .isEqualTo(Reason.UNKNOWN_KEY);
            }
            String foreign = at(NOW, key(), key()).seal("login", "", CONTENT);
            assertThat(refusal(node, foreign).reason()).isEqualTo(Reason.UNKNOWN_KEY);
        }

        @Test
        void printNothingButTheirIds() {
            KeyRing keys = KeyRing.of(old, fresh);

            assertThat(keys.toString()).matches("KeyRing\\[[0-9a-f]{8}, [0-9a-f]{8}]");
            assertThat(keys.keyIds())
                    .containsExactly(
                            KeyRing.of(old).keyIds().iterator().next(),
                            KeyRing.of(fresh).keyIds().iterator().next());
            assertThat(keys).hasToString("KeyRing[" + String.join(", ", keys.keyIds()) + "]");
        }

        @Test
        void areTakenInBothAlphabetsWithAndWithoutPadding() {
            byte[] bytes = new byte[32];
            do {
                System.arraycopy(RandomBytes.next(32), 0, bytes, 0, 32);
            } while (!Base64.getEncoder().encodeToString(bytes).matches(".*[+/].*"));
            String sealed =
                    KeyRing.of(Base64.getEncoder().encodeToString(bytes)).seal("login", "", CONTENT);

            for (String form : List.of(
                    Base64.getEncoder().withoutPadding().encodeToString(bytes),
                    Base64.getUrlEncoder().encodeToString(bytes),
                    URL.encodeToString(bytes),
                    URL.encodeToString(bytes) + "\n")) {
                assertThat(KeyRing.of(form).open("login", "", sealed)).isEqualTo(CONTENT);
            }
        }

        @ParameterizedTest(name = "{1}")
        @MethodSource("io.tokenswap.KeyRingTest#badKeys")
        @Tag("C51")
        void thatAreWeakOrMalformedAreRefusedWithoutBeingShown(String bad, String problem) {
            assertThatThrownBy(() -> KeyRing.of(bad))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageStartingWith("Key 1 of the key ring " + problem)
                    .hasMessageEndingWith(" Create one with: openssl rand -base64 32")
                    .hasNoCause()
                    .satisfies(e -> assertThat(bad.isBlank() || !e.getMessage().contains(bad))
                            .isTrue());
            assertThatThrownBy(() -> KeyRing.of(old, fresh, bad))
                    .hasMessageStartingWith("Key 3 of the key ring " + problem);
        }

        @Test
        void thatAreListedTwiceAreRefused() {
            assertThatThrownBy(() -> KeyRing.of(old, fresh, old))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("Key 3 of the key ring is listed twice. Remove one of the two.");
        }
    }

    static Stream<Arguments> badKeys() {
        byte[] counted = new byte[32];
        for (int i = 0; i < 32; i++) {
            counted[i] = (byte) (3 + 7 * i);
        }
        byte[] halves = Arrays.copyOf(RandomBytes.next(16), 32);
        System.arraycopy(halves, 0, halves, 16, 16);
        Base64.Encoder base64 = Base64.getEncoder();
        return Stream.of(
                Arguments.of("", "is empty."),
                Arguments.of(" \n", "is empty."),
                Arguments.of("<your-key>", "is not Base64."),
                Arguments.of("\"" + key() + "\"", "is not Base64."),
                Arguments.of("canary", "has 4 bytes instead of 32."),
                Arguments.of(base64.encodeToString(RandomBytes.next(31)), "has 31 bytes instead of 32."),
                Arguments.of(base64.encodeToString(RandomBytes.next(33)), "has 33 bytes instead of 32."),
                Arguments.of(base64.encodeToString(new byte[32]), "is not random"),
                Arguments.of(base64.encodeToString(counted), "is not random"),
                Arguments.of(base64.encodeToString(halves), "is not random"),
                Arguments.of(
                        base64.encodeToString("qwertyuiopasdfghjklzxcvbnm ~0123".getBytes(StandardCharsets.UTF_8)),
                        "is not random"),
                Arguments.of(
                        base64.encodeToString("change-me-to-a-secret-of-32-char".getBytes(StandardCharsets.UTF_8)),
                        "is not random"));
    }

    /**
     * Seals and opens. The key of a message is derived from its salt, and the nonce is the same for all: so all salts must
     * differ. The long form: {@code mvn -pl core test -Dtest=KeyRingTest -Dgroups=stress -DexcludedGroups=none}.
     */
    private static void sealMany(int count) {
        KeyRing keys = KeyRing.random();
        int threads = Runtime.getRuntime().availableProcessors();
        AtomicInteger notOpened = new AtomicInteger();
        List<long[]> salts = new ArrayList<>();
        List<Thread> workers = new ArrayList<>();
        for (int thread = 0; thread < threads; thread++) {
            long[] own = new long[count / threads];
            salts.add(own);
            workers.add(new Thread(() -> {
                for (int i = 0; i < own.length; i++) {
                    String sealed = keys.seal("refresh", "app", CONTENT);
                    if (!Arrays.equals(keys.open("refresh", "app", sealed), CONTENT)) {
                        notOpened.incrementAndGet();
                    }
                    own[i] = ByteBuffer.wrap(Base64.getUrlDecoder().decode(sealed))
                            .getLong(13);
                }
            }));
        }
        workers.forEach(Thread::start);
        workers.forEach(worker -> {
            try {
                worker.join();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        });
        assertThat(notOpened).hasValue(0);
        long[] all = salts.stream().flatMapToLong(Arrays::stream).sorted().toArray();
        // Of 10^7 random values of 64 bits, two are equal by chance once in 370,000 runs.
        for (int i = 1; i < all.length; i++) {
            assertThat(all[i] != all[i - 1]).isTrue();
        }
    }

    @Test
    @Tag("C43")
    void aHundredThousandSealsOfTheSameContentNeverShareAKeyAndNonce() {
        sealMany(100_000);
    }

    @Test
    @Tag("C43")
    @Tag("stress")
    @Timeout(value = 30, unit = TimeUnit.MINUTES)
    void tenMillionSealsOfTheSameContentNeverShareAKeyAndNonce() {
        sealMany(10_000_000);
    }
}
