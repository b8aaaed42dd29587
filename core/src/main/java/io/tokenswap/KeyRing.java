package io.tokenswap;

import io.tokenswap.internal.RandomBytes;
import io.tokenswap.internal.TextBytes;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.Collections;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import javax.crypto.AEADBadTagException;
import javax.crypto.Cipher;
import javax.crypto.Mac;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;

/**
 * Seals content with the first of several keys, and opens what any of the keys has sealed. A seal protects content
 * outside the program, for example in a cookie, a redirect or a shared store: the content cannot be read, and a change
 * is detected. Immutable and safe for use by any thread; no method blocks. {@link #toString()} prints the ids of the
 * keys only.
 *
 * <pre>{@code
 * KeyRing keys = KeyRing.of(System.getenv("SEAL_KEY"));     // openssl rand -base64 32
 * String sealed = keys.seal("login", "", content);
 * byte[] opened = keys.open("login", "", sealed, Duration.ofMinutes(10));
 * }</pre>
 *
 * <p><b>Purpose and associated data</b> are not part of the sealed text. Both must be the same when it is opened, so
 * that a seal cannot be used for another purpose or moved to another place, for example from one user's record to
 * another's.
 *
 * <p><b>Exchanging a key</b> takes three steps on each node, one node after another: {@code of(old)},
 * {@code of(fresh, old)}, and {@code of(fresh)} when everything that the old key has sealed has ended or has been
 * sealed anew. Before the second step the new key may be listed as {@code of(old, fresh)}, which opens its seals and
 * makes none. A node that is one step behind meets seals of a key that it does not know. The reason is then
 * {@link OpenException.Reason#NEWER_KEY} and not {@link OpenException.Reason#UNKNOWN_KEY}, so that the client is asked
 * to retry and not to sign in again. Never replace {@code of(old)} by {@code of(fresh)} in one step.
 *
 * @see <a href="https://csrc.nist.gov/pubs/sp/800/38/d/final">NIST SP 800-38D, AES-GCM</a>
 * @see <a href="https://www.rfc-editor.org/rfc/rfc5869">RFC 5869, key derivation by HMAC</a>
 */
public final class KeyRing {

    /*
     * A sealed text is base64url without padding, in exactly one spelling, of
     *
     *   version (1 byte) | key id (4) | sealed at, ms (8) | salt (32) | voucher's key id (4) | voucher (12) | ciphertext | tag (16)
     *   '------------------------------ the header, in clear ------------------------------'
     *
     * One key for each message. The key of a message is HMAC(key of the ring, header); the nonce of AES-GCM is zero. With random
     * 96-bit nonces under one key, NIST allows 2^32 messages. Here two messages share a key only if their salts are equal, which
     * 256 bits make negligible for any number of messages, so that there is no bound to count towards.
     *
     * The salt is HMAC(key of the ring, random bytes | purpose | associated data | content). Random bytes alone would do, but
     * two machines that were started from one snapshot may draw the same. Then equal salts still need equal content, and equal
     * content sealed twice under one key and nonce reveals only that it is equal.
     *
     * The header is authenticated twice: the key of the message is derived from it, and it is associated data of AES-GCM.
     *
     * The voucher distinguishes a newer key from a retired one. Ids of keys have no order, and the clear time alone could be forged and
     * says nothing about the key. So a seal by the first key is vouched for with the second key of the ring, if there is one: an
     * HMAC over the header. A node that knows the second key and not the first one has not learnt of the first one yet, or has
     * retired it already. The second is possible after of(old, fresh) became of(fresh). The time of sealing decides: seals
     * by a newer key are made while its nodes are being restarted, so they are no more than a day older than this ring. Without
     * a valid voucher the key is unknown. Only the holder of a key of the ring can turn "unknown" into "newer".
     */
    private static final byte VERSION = 1;

    private static final int KEY_BYTES = 32;
    private static final int ID_BYTES = 4;
    private static final int SALT_BYTES = 32;
    private static final int VOUCHER_BYTES = 12;
    private static final int TAG_BYTES = 16;
    private static final int VOUCHER_AT = 1 + ID_BYTES + Long.BYTES + SALT_BYTES;
    private static final int HEADER_BYTES = VOUCHER_AT + ID_BYTES + VOUCHER_BYTES;
    private static final byte[] NONCE = new byte[12];

    private static final Duration CLOCKS_APART = Duration.ofMinutes(5);
    private static final Duration LONGEST_ROLLOUT = Duration.ofDays(1);

    private static final Base64.Encoder ENCODER = Base64.getUrlEncoder().withoutPadding();
    /** The digits that end the Base64 of one byte behind the last three: their lower four bits are 0. */
    private static final String LAST_OF_ONE_BYTE = "AQgw";
    /** The digits that end the Base64 of two bytes behind the last three: their lower two bits are 0. */
    private static final String LAST_OF_TWO_BYTES = "AEIMQUYcgkosw048";

    /** One for each thread, because finding a provider takes longer than sealing. Each message sets its own key. */
    private static final ThreadLocal<Cipher> CIPHERS = ThreadLocal.withInitial(KeyRing::newCipher);

    private final Map<String, Key> keys;
    private final Key primary;
    private final @Nullable Key voucher;
    private final InstantSource clock;
    private final Instant since;

    private KeyRing(Map<String, Key> keys, InstantSource clock) {
        List<Key> inOrder = List.copyOf(keys.values());
        this.keys = keys;
        this.primary = inOrder.get(0);
        this.voucher = inOrder.size() > 1 ? inOrder.get(1) : null;
        this.clock = clock;
        this.since = clock.instant();
    }

    /**
     * Returns a ring of keys. Each key is 32 random bytes in Base64, in the standard or in the URL alphabet, for
     * example the output of {@code openssl rand -base64 32}. White space around a key is ignored.
     *
     * @param primary the key that seals
     * @param older further keys that open what they have sealed, the youngest first
     * @return the ring
     * @throws IllegalArgumentException if a key is not Base64, is not 32 bytes long, is obviously not random, or is
     *     listed twice. The message names the position of the key and never its value
     */
    public static KeyRing of(String primary, String... older) {
        List<byte[]> keys = new ArrayList<>();
        keys.add(decode(primary, 1));
        for (String key : older) {
            keys.add(decode(key, keys.size() + 1));
        }
        return of(keys);
    }

    /**
     * Returns a ring of one new random key. Sealed texts cannot be opened after the process has ended, so use this ring
     * in programs of one process and in tests.
     *
     * @return a new ring
     */
    public static KeyRing random() {
        return of(List.of(RandomBytes.next(KEY_BYTES)));
    }

    private static KeyRing of(List<byte[]> secrets) {
        Map<String, Key> keys = new LinkedHashMap<>();
        for (byte[] secret : secrets) {
            Key key = new Key(secret);
            if (keys.putIfAbsent(key.id, key) != null) {
                throw new IllegalArgumentException(
                        "Key " + (keys.size() + 1) + " of the key ring is listed twice. Remove one of the two.");
            }
        }
        return new KeyRing(keys, InstantSource.system());
    }

    /**
     * Returns a copy of this ring that takes the time from another clock.
     *
     * @param clock the wall clock, by default the system's
     * @return a new ring of the same keys
     */
    public KeyRing withClock(InstantSource clock) {
        return new KeyRing(keys, Objects.requireNonNull(clock, "clock"));
    }

    /**
     * Returns the ids of the keys. An id is derived from its key and reveals nothing of it, so that nodes may compare
     * their rings and log them.
     *
     * @return eight hexadecimal digits for each key, the id of the primary key first
     */
    public Set<String> keyIds() {
        return Collections.unmodifiableSet(keys.keySet());
    }

    /**
     * Seals content with the primary key. The same content is sealed differently each time.
     *
     * @param purpose the use of the seal, for example {@code "login"}
     * @param associatedData what the seal belongs to, for example the name of a record; may be empty
     * @param content the content, of any length
     * @return the sealed text: letters, digits, {@code -} and {@code _}. It is 103 characters longer than the content in Base64
     */
    public String seal(String purpose, String associatedData, byte[] content) {
        byte[] context = context(purpose, associatedData);
        byte[] salt = primary.salt(RandomBytes.next(SALT_BYTES), context, content);
        ByteBuffer header = ByteBuffer.allocate(HEADER_BYTES)
                .put(VERSION)
                .put(primary.idBytes)
                .putLong(clock.instant().toEpochMilli())
                .put(salt);
        if (voucher == null) {
            // Random bytes, so that the number of keys is not visible and the length is always the same.
            header.put(RandomBytes.next(ID_BYTES + VOUCHER_BYTES));
        } else {
            header.put(voucher.idBytes).put(voucher.vouch(header.array()));
        }
        byte[] head = header.array();
        byte[] sealed = crypt(Cipher.ENCRYPT_MODE, primary, head, context, content, 0, content.length);
        return ENCODER.encodeToString(ByteBuffer.allocate(HEADER_BYTES + Objects.requireNonNull(sealed).length)
                .put(head)
                .put(sealed)
                .array());
    }

    /**
     * Opens a sealed text of any age.
     *
     * @param purpose the purpose for which it was sealed
     * @param associatedData the associated data with which it was sealed
     * @param sealed the sealed text
     * @return the content
     * @throws OpenException if no key of this ring has sealed exactly this text for this purpose and associated data,
     *     or if it was sealed more than 5 minutes ahead of the clock
     */
    public byte[] open(String purpose, String associatedData, String sealed) {
        return open(purpose, associatedData, sealed, null);
    }

    /**
     * Opens a sealed text that must not be older than an age.
     *
     * @param purpose the purpose for which it was sealed
     * @param associatedData the associated data with which it was sealed
     * @param sealed the sealed text
     * @param maxAge the greatest age, inclusive
     * @return the content
     * @throws OpenException as without an age, and if the seal is older
     */
    public byte[] open(String purpose, String associatedData, String sealed, @Nullable Duration maxAge) {
        Opened opened = unseal(purpose, associatedData, sealed);
        Instant now = clock.instant();
        if (opened.sealedAt.isAfter(now.plus(CLOCKS_APART))) {
            throw new OpenException(OpenException.Reason.FUTURE, opened.keyId, opened.sealedAt);
        }
        if (maxAge != null && opened.sealedAt.plus(maxAge).isBefore(now)) {
            throw new OpenException(OpenException.Reason.EXPIRED, opened.keyId, opened.sealedAt);
        }
        return opened.content;
    }

    /**
     * Opens a sealed text regardless of the time. Use this method for stored content that several nodes read and write
     * and whose order does not depend on their clocks. Use {@link #open(String, String, String)} for texts from
     * untrusted sources.
     *
     * @param purpose the purpose for which it was sealed
     * @param associatedData the associated data with which it was sealed
     * @param sealed the sealed text
     * @return the content
     * @throws OpenException if no key of this ring has sealed exactly this text for this purpose and associated data
     */
    public byte[] openAtAnyTime(String purpose, String associatedData, String sealed) {
        return unseal(purpose, associatedData, sealed).content;
    }

    private Opened unseal(String purpose, String associatedData, String sealed) {
        byte[] bytes = bytes(sealed);
        if (bytes == null || bytes.length < HEADER_BYTES + TAG_BYTES || bytes[0] != VERSION) {
            throw new OpenException(OpenException.Reason.ALTERED, null, null);
        }
        byte[] header = Arrays.copyOf(bytes, HEADER_BYTES);
        String id = HexFormat.of().formatHex(header, 1, 1 + ID_BYTES);
        Instant sealedAt = Instant.ofEpochMilli(ByteBuffer.wrap(header).getLong(1 + ID_BYTES));
        Key key = keys.get(id);
        byte[] content = crypt(
                Cipher.DECRYPT_MODE,
                key == null ? primary : key, // with an unknown key the same work is done, and fails
                header,
                context(purpose, associatedData),
                bytes,
                HEADER_BYTES,
                bytes.length - HEADER_BYTES);
        if (key == null) {
            throw new OpenException(
                    isNewer(header, sealedAt) ? OpenException.Reason.NEWER_KEY : OpenException.Reason.UNKNOWN_KEY,
                    id,
                    sealedAt);
        }
        if (content == null) {
            throw new OpenException(OpenException.Reason.ALTERED, null, null);
        }
        return new Opened(content, id, sealedAt);
    }

    /**
     * Returns true if a text was sealed with the primary key. Seal other texts anew before their key retires.
     *
     * @param sealed a sealed text that this ring has opened; only its clear part is read here
     * @return true if the text names the primary key
     */
    public boolean usesPrimaryKey(String sealed) {
        byte[] bytes = bytes(sealed);
        return bytes != null
                && bytes.length >= HEADER_BYTES
                && Arrays.equals(bytes, 1, 1 + ID_BYTES, primary.idBytes, 0, ID_BYTES);
    }

    /** Checks the voucher that the comment at the head of this class describes. */
    private boolean isNewer(byte[] header, Instant sealedAt) {
        Key known = keys.get(HexFormat.of().formatHex(header, VOUCHER_AT, VOUCHER_AT + ID_BYTES));
        return known != null
                && MessageDigest.isEqual(
                        known.vouch(header), Arrays.copyOfRange(header, VOUCHER_AT + ID_BYTES, HEADER_BYTES))
                && sealedAt.isAfter(since.minus(LONGEST_ROLLOUT));
    }

    /** Encrypts or decrypts. Returns null if the tag is wrong. */
    private static byte @Nullable [] crypt(
            int mode, Key key, byte[] header, byte[] context, byte[] input, int offset, int length) {
        try {
            Cipher cipher = CIPHERS.get();
            cipher.init(mode, key.forMessage(header), new GCMParameterSpec(8 * TAG_BYTES, NONCE));
            cipher.updateAAD(header);
            cipher.updateAAD(context);
            return cipher.doFinal(input, offset, length);
        } catch (AEADBadTagException altered) {
            return null;
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("Every Java platform has AES-GCM", e);
        }
    }

    /** Joins purpose and associated data without ambiguity: the length of the first stands before it. */
    private static byte[] context(String purpose, String associatedData) {
        byte[] first = TextBytes.of(purpose);
        byte[] second = TextBytes.of(associatedData);
        return ByteBuffer.allocate(Integer.BYTES + first.length + second.length)
                .putInt(first.length)
                .put(first)
                .put(second)
                .array();
    }

    private static byte @Nullable [] bytes(String sealed) {
        try {
            return isOnlySpelling(sealed) ? Base64.getUrlDecoder().decode(sealed) : null;
        } catch (IllegalArgumentException malformed) {
            return null;
        }
    }

    /** Returns false for padding and for stray bits in the last digit, which the decoder accepts and no seal has. */
    private static boolean isOnlySpelling(String sealed) {
        int length = sealed.length();
        return length > 0
                && sealed.charAt(length - 1) != '='
                && switch (length % 4) {
                    case 2 -> LAST_OF_ONE_BYTE.indexOf(sealed.charAt(length - 1)) >= 0;
                    case 3 -> LAST_OF_TWO_BYTES.indexOf(sealed.charAt(length - 1)) >= 0;
                    default -> true;
                };
    }

    private static Cipher newCipher() {
        try {
            return Cipher.getInstance("AES/GCM/NoPadding");
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("Every Java platform has AES-GCM", e);
        }
    }

    private static byte[] decode(String text, int position) {
        String remedy = " Create one with: openssl rand -base64 32";
        String name = "Key " + position + " of the key ring ";
        String stripped = text.strip();
        if (stripped.isEmpty()) {
            throw new IllegalArgumentException(name + "is empty." + remedy);
        }
        byte[] key;
        try {
            key = Base64.getDecoder().decode(stripped.replace('-', '+').replace('_', '/'));
        } catch (IllegalArgumentException notBase64) {
            // Without the cause: its message quotes a character of the key.
            throw new IllegalArgumentException(name + "is not Base64." + remedy);
        }
        if (key.length != KEY_BYTES) {
            throw new IllegalArgumentException(
                    name + "has " + key.length + " bytes instead of " + KEY_BYTES + "." + remedy);
        }
        if (isObviouslyWeak(key)) {
            throw new IllegalArgumentException(name + "is not random: it is a text or a pattern." + remedy);
        }
        return key;
    }

    /** Detects keys that are not random. Random bytes have one of these properties with a probability below 10^-13. */
    private static boolean isObviouslyWeak(byte[] key) {
        Set<Byte> different = new HashSet<>();
        boolean text = true;
        boolean steps = true;
        for (int i = 0; i < key.length; i++) {
            different.add(key[i]);
            text &= key[i] >= ' ' && key[i] <= '~';
            steps &= i < 2 || (byte) (key[i] - key[i - 1]) == (byte) (key[1] - key[0]);
        }
        return text || steps || different.size() <= KEY_BYTES / 2;
    }

    @Override
    public String toString() {
        return keys.keySet().stream().collect(Collectors.joining(", ", "KeyRing[", "]"));
    }

    private static final class Opened {

        final byte[] content;
        final String keyId;
        final Instant sealedAt;

        Opened(byte[] content, String keyId, Instant sealedAt) {
            this.content = content;
            this.keyId = keyId;
            this.sealedAt = sealedAt;
        }
    }

    /** Keys that are derived from one key of the ring, one for each use. The key itself is not kept. */
    private static final class Key {

        final String id;
        final byte[] idBytes;
        private final Hmac messages;
        private final Hmac salts;
        private final Hmac vouchers;

        Key(byte[] secret) {
            Hmac key = new Hmac(secret);
            this.idBytes = Arrays.copyOf(derive(key, "id"), ID_BYTES);
            this.id = HexFormat.of().formatHex(idBytes);
            this.messages = new Hmac(derive(key, "messages"));
            this.salts = new Hmac(derive(key, "salts"));
            this.vouchers = new Hmac(derive(key, "vouchers"));
        }

        private static byte[] derive(Hmac key, String use) {
            return key.start().doFinal(("io.tokenswap.KeyRing 1 " + use).getBytes(StandardCharsets.US_ASCII));
        }

        byte[] salt(byte[] random, byte[] context, byte[] content) {
            Mac mac = salts.start();
            mac.update(random);
            mac.update(ByteBuffer.allocate(Integer.BYTES).putInt(context.length).array());
            mac.update(context);
            return mac.doFinal(content);
        }

        SecretKeySpec forMessage(byte[] header) {
            return new SecretKeySpec(messages.start().doFinal(header), "AES");
        }

        /** Computes the voucher, which covers the header up to the voucher itself. */
        byte[] vouch(byte[] header) {
            Mac mac = vouchers.start();
            mac.update(header, 0, VOUCHER_AT);
            return Arrays.copyOf(mac.doFinal(), VOUCHER_BYTES);
        }
    }

    /** HMAC under one key. A copy of an initialised one costs a fraction of finding a provider and setting the key. */
    private static final class Hmac {

        private final SecretKeySpec key;
        private final Mac initialised;

        Hmac(byte[] key) {
            this.key = new SecretKeySpec(key, "HmacSHA256");
            this.initialised = create();
        }

        Mac start() {
            try {
                return (Mac) initialised.clone();
            } catch (CloneNotSupportedException ofThisProvider) {
                return create();
            }
        }

        private Mac create() {
            try {
                Mac mac = Mac.getInstance("HmacSHA256");
                mac.init(key);
                return mac;
            } catch (GeneralSecurityException e) {
                throw new IllegalStateException("Every Java platform has HmacSHA256", e);
            }
        }
    }

    /**
     * A sealed text was not opened. The message is the same for all texts with the same reason, and holds nothing of
     * the text. There is no stack trace, because any client can send such texts in great numbers.
     */
    public static final class OpenException extends RuntimeException {

        private static final long serialVersionUID = 1L;

        private final Reason reason;
        private final @Nullable String keyId;
        private final @Nullable Instant sealedAt;

        private OpenException(Reason reason, @Nullable String keyId, @Nullable Instant sealedAt) {
            super(reason.message, null, false, false);
            this.reason = reason;
            this.keyId = keyId;
            this.sealedAt = sealedAt;
        }

        /**
         * Returns the reason.
         *
         * @return the reason
         */
        public Reason reason() {
            return reason;
        }

        /**
         * Returns the id of the key that the text names. Unless the reason is {@link Reason#UNKNOWN_KEY}, the id is authentic.
         *
         * @return eight hexadecimal digits, or null for {@link Reason#ALTERED}
         */
        public @Nullable String keyId() {
            return keyId;
        }

        /**
         * Returns the time of sealing that the text names. Unless the reason is {@link Reason#UNKNOWN_KEY}, the time is
         * authentic.
         *
         * @return the time by the clock of the node that sealed it, or null for {@link Reason#ALTERED}
         */
        public @Nullable Instant sealedAt() {
            return sealedAt;
        }

        /** Reason for which a text was not opened. */
        public enum Reason {

            /**
             * Not sealed with these keys, changed, cut, or sealed for another purpose or with other associated data.
             */
            ALTERED("The sealed text was altered, or was sealed for another purpose."),

            /** Sealed by a key that this ring does not know: retired, or never one of this system. */
            UNKNOWN_KEY("The sealed text was sealed with a key that this key ring does not know."),

            /**
             * Sealed by a key that is newer than this ring: a node that knows the new key has vouched for it. This node
             * has not been restarted with the new keys yet. The text is good; try again at another node or later.
             */
            NEWER_KEY("The sealed text was sealed with a key that this key ring does not know yet."),

            /** Sealed longer ago than the caller accepts. */
            EXPIRED("The sealed text has expired."),

            /** Sealed more than 5 minutes ahead of this node's clock. */
            FUTURE("The sealed text is from the future: the clocks of two nodes are too far apart.");

            private final String message;

            Reason(String message) {
                this.message = message;
            }
        }
    }
}
