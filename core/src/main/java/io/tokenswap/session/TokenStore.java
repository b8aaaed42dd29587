package io.tokenswap.session;

import io.tokenswap.KeyRing;
import io.tokenswap.Token;
import io.tokenswap.internal.Sha256;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.Objects;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Storage of tokens that outlive a session, and that several sessions and processes may share. A refresh token may be presented
 * to the provider once, and its successor exists only in the provider's response. A store therefore does two things. It keeps
 * one {@link Record} for each key, and it grants a lease to one node at a time.
 *
 * <h2>How to write a store</h2>
 *
 * <p>Implement the five operations. Extend {@code TokenStoreContract} of the artefact {@code tokenswap-test}; its tests check
 * the store.
 *
 * <ol>
 * <li><b>The record is a maximum register.</b> A record replaces another only if its {@link Version} is greater.
 *     {@link Kind#accepts} decides it; do not decide it otherwise. Repeated, reordered and late writes then do no harm. Never
 *     compare tokens, refresh tokens or ciphertexts.
 * <li><b>The lease saves requests and never decides what is stored.</b> {@link #put} takes no notice of who holds the lease. It
 *     only ends the lease of its caller, in the same step as it writes.
 * <li><b>The mark announces a presentation.</b> {@link #acquire} writes it: the record's login and number, the time, and the
 *     number of the attempt. It stays when the lease ends. It goes when a record of another login or number is put, or when the
 *     attempt that wrote it is released as not sent. The next {@link #acquire} of the same record reports a mark that is left.
 * <li><b>Every operation is atomic for its key</b>, and returns the record that is stored afterwards and the store's time, so
 *     that no second look is needed.
 * <li><b>All times are the store's.</b> Clocks of nodes are never compared. A store without a clock uses the clock of its
 *     machine.
 * <li><b>No method blocks.</b> Nothing happens before subscription. Failures are errors of the {@code Mono}; the session
 *     accepts any error. A cancelled operation may still take place.
 * <li><b>Records are sealed</b> by {@link TokenCodec} where others can read the storage. The clear part of a sealed record
 *     holds the version and no secret.
 * </ol>
 *
 * <p>A lease that <b>cannot end before its holder</b>, for example a lock of the operating system, needs no end and no mark:
 * such a store always returns {@link Outcome#GRANTED} from {@link #extend}, grants without {@link Acquired#until()}, and never
 * reports another mark. A session then renews nothing by a timer.
 *
 * <p>Records need not be kept for ever: a {@link State#LIVE} record until the end of its grant, or 180 days after its last
 * write if the end is not known; other records for 24 hours. A store must not evict records earlier, for example when it is
 * full.
 *
 * <p>Implementations are safe for use by any thread.
 */
public interface TokenStore {

    /** Element of {@link #changes()} that stands for all keys. */
    String ANY_KEY = "";

    /**
     * Returns the record of a key.
     *
     * @param key a key, see {@link #key(String)}
     * @return the record or none, and the store's time
     */
    Mono<Entry> load(String key);

    /**
     * Asks for the lease of a key in order to present the refresh token of its record.
     *
     * <p>In this order: {@link Outcome#MOVED} if there is no record, if the version of the record is not {@code view},
     * or if it is not {@link State#LIVE}; {@link Outcome#BUSY} while another attempt has the lease, be it of the same
     * owner; {@link Outcome#PAUSED} until the end of a pause that was set by {@link #release}; otherwise
     * {@link Outcome#GRANTED}. The attempt that is granted has the number
     * {@code 1 + max(last attempt of the lease, attempt of the record)}.
     *
     * @param key a key
     * @param owner the node: random, new at each start of a process
     * @param view the version of the record whose refresh token would be presented
     * @param lease the length of the lease
     * @return the outcome
     */
    Mono<Acquired> acquire(String key, String owner, Version view, Duration lease);

    /**
     * Extends a lease that has not ended.
     *
     * @param key a key
     * @param owner the owner that acquired it
     * @param attempt the attempt that was granted
     * @param lease the length from now
     * @return {@link Outcome#GRANTED}, or {@link Outcome#MOVED} if this attempt does not hold the lease (any more)
     */
    Mono<Acquired> extend(String key, String owner, long attempt, Duration lease);

    /**
     * Writes a record if {@link Kind#accepts} it, removes the mark if it is of another login or number, and ends the
     * lease of the attempt, if it has one, whether the record was accepted or not. All in one step: a waiting node
     * never sees a gap between the end of the lease and the new record.
     *
     * @param key a key
     * @param next the record
     * @param kind the reason for the write
     * @param owner the owner of the lease
     * @param attempt the attempt whose lease ends; 0 if the writer has none
     * @return the record that is stored now: the write succeeded, or had succeeded before, if {@link Entry#holds} its
     *     version
     */
    Mono<Entry> put(String key, Record next, Kind kind, String owner, long attempt);

    /**
     * Ends a lease without a result. Does nothing if the attempt does not hold the lease.
     *
     * @param key a key
     * @param owner the owner that acquired it
     * @param attempt the attempt that was granted
     * @param pause the time from now during which no attempt is granted the lease of this key; zero for none
     * @param sent false if the refresh token was provably not presented: the mark that this attempt has written is then removed
     * @return completes when done
     */
    Mono<Void> release(String key, String owner, long attempt, Duration pause, boolean sent);

    /**
     * Reports keys whose record may have changed. A hint: sessions ask the store at least every 250 ms while they wait,
     * so that a lost element costs a little time and nothing else. Elements that come faster than they are requested
     * are dropped.
     *
     * <p>{@link #ANY_KEY} is emitted whenever the connection to the engine was lost and is there again, and after a
     * failover. Each session then looks at its key once: the engine may have lost writes that it had confirmed. The looks
     * of more than 100 sessions are spread over time, 10,000 a second.
     *
     * @return a hot flux; by default it never emits. All sessions of a process share one subscription
     */
    default Flux<String> changes() {
        return Flux.never();
    }

    /**
     * Returns how long the provider accepts a refresh token again after it was used. It counts only if it is longer
     * than the lease by at least 5 seconds.
     *
     * @return the time, zero (the default) for none or unknown
     */
    default Duration grace() {
        return Duration.ZERO;
    }

    /**
     * Returns the rotation of the provider: a new refresh token at each refresh, or not.
     *
     * @return {@link Rotates#LEARN} by default
     */
    default Rotates rotates() {
        return Rotates.LEARN;
    }

    /**
     * Returns true if the store can lose a write that it has confirmed, for example in a failover. A session then puts
     * back a record that it has seen there and that is missing. In a store that loses nothing, a missing record was
     * removed to sign the user out.
     *
     * @return true by default; false for a store of one machine
     */
    default boolean mayLoseWrites() {
        return true;
    }

    /**
     * Makes the key of a user: the SHA-256 of a fixed prefix and the name. It is the same on all nodes and under all
     * key rings, and of a form that suits a file name on any system.
     *
     * @param user the name of a user
     * @return 64 hexadecimal digits
     */
    static String key(String user) {
        return HexFormat.of().formatHex(Sha256.of("io.tokenswap.user:" + user));
    }

    /**
     * Creates a store that ends with this process.
     *
     * @return a new, empty store
     */
    static TokenStore inMemory() {
        return inMemory(InstantSource.system());
    }

    /**
     * Creates a store that ends with this process and uses a given clock, for example one that a test controls.
     *
     * @param clock the store's clock
     * @return a new, empty store
     */
    static TokenStore inMemory(InstantSource clock) {
        return new InMemoryTokenStore(clock);
    }

    /**
     * Creates a store for a service of <em>one</em> process that keeps the records in its own table. The lease and the
     * comparison of versions stay in memory. Two processes on one table would present the same refresh token twice and end the
     * grant.
     *
     * <pre>{@code
     * TokenStore store = TokenStore.forOneProcess(keys,
     *         key -> users.findToken(key),              // Mono<String>, empty if there is none
     *         (key, text) -> users.saveToken(key, text),
     *         key -> users.removeToken(key));
     * }</pre>
     *
     * <p>The functions are called once at a time for each key. The next call waits until the publisher of the last one has
     * ended, even if no caller waits for its result any more. A publisher that never ends stops its key.
     *
     * @param keys seals the records
     * @param load returns the text of a key, or empty
     * @param save stores the text of a key, completes when it is durable
     * @param remove removes the text of a key, if there is one
     * @return a new store
     */
    static TokenStore forOneProcess(
            KeyRing keys,
            Function<String, Mono<String>> load,
            BiFunction<String, String, Mono<Void>> save,
            Function<String, Mono<Void>> remove) {
        return new OneProcessTokenStore(keys, load, save, remove, InstantSource.system());
    }

    /** The state of a record. */
    enum State {
        /** The user is signed in. */
        LIVE,
        /** The provider has refused the refresh token. */
        DEAD,
        /** The user has signed out. */
        OUT
    }

    /** The reason for a write. */
    enum Kind {
        /** The user has signed in. */
        LOGIN,
        /** A refresh has succeeded. */
        REFRESH,
        /** The provider has refused the refresh token of the record. */
        DEAD,
        /** The user has signed out. */
        SIGN_OUT,
        /** The store has lost a record that a node has seen. */
        REPAIR;

        /**
         * Decides about a write.
         *
         * @param stored the record that is stored, null if there is none
         * @param next the record that would replace it
         * @return true if it replaces the stored one. A {@link #REFRESH} never fills an empty place: there, a sign-out
         *     may have been removed already. {@link #DEAD} replaces exactly the record whose refresh token was refused
         */
        public boolean accepts(@Nullable Record stored, Record next) {
            if (stored == null) {
                return this == LOGIN || this == SIGN_OUT || this == REPAIR;
            }
            if (this == DEAD) {
                Version dead = next.version();
                return stored.state() == State.LIVE && stored.version().isSameAttempt(dead);
            }
            return next.version().compareTo(stored.version()) > 0;
        }
    }

    /** Rotation of a provider: a new refresh token at each refresh, or not. */
    enum Rotates {
        /** The provider returns a new refresh token. */
        YES,
        /** The provider returns the same refresh token, or none. */
        NO,
        /** The provider counts as rotating until a response comes without a new refresh token. */
        LEARN
    }

    /**
     * The version of a record. Versions are compared field by field, in the order of the constructor's parameters. So a
     * refresh is greater than what it consumed, a refusal is greater than the record that it refuses, and a later login or
     * sign-out is greater than all before it. Immutable.
     */
    final class Version implements Comparable<Version> {

        private static final Pattern LOGIN = Pattern.compile("[0-9a-f]{32}");

        // The id as two numbers: a process may hold a million versions, and the text takes five times as much.
        private static final Comparator<Version> ORDER = Comparator.comparingLong((Version version) -> version.since)
                .thenComparing((one, other) -> Long.compareUnsigned(one.loginHigh, other.loginHigh))
                .thenComparing((one, other) -> Long.compareUnsigned(one.loginLow, other.loginLow))
                .thenComparingLong(Version::number)
                .thenComparingLong(Version::attempt)
                .thenComparing(Version::ended);

        private final long since;
        private final long loginHigh;
        private final long loginLow;
        private final long number;
        private final long attempt;
        private final boolean ended;

        /**
         * Checks the form of the id and of the numbers.
         *
         * @param since when the login or sign-out happened, in milliseconds of the store's clock; a finer time is cut
         * @param login the random id of that login or sign-out: 128 bits as 32 lower-case hexadecimal digits
         * @param number the number of refreshes since that login
         * @param attempt the number of the attempt that obtained the token; 0 for a login
         * @param ended true for {@link State#DEAD} and {@link State#OUT}
         * @throws IllegalArgumentException if the id has another form, a number is negative, or the time is more than 290
         *     million years away
         */
        public Version(Instant since, String login, long number, long attempt, boolean ended) {
            this(millis(since), high(login), low(login), number, attempt, ended);
            if (number < 0 || attempt < 0) {
                throw new IllegalArgumentException("The numbers of a version are not negative");
            }
        }

        private Version(long since, long loginHigh, long loginLow, long number, long attempt, boolean ended) {
            this.since = since;
            this.loginHigh = loginHigh;
            this.loginLow = loginLow;
            this.number = number;
            this.attempt = attempt;
            this.ended = ended;
        }

        private static long millis(Instant since) {
            try {
                return since.toEpochMilli();
            } catch (ArithmeticException tooFar) {
                throw new IllegalArgumentException("No login happened then: " + since, tooFar);
            }
        }

        private static long high(String login) {
            if (!LOGIN.matcher(login).matches()) {
                throw new IllegalArgumentException("A version has a login of 32 hexadecimal digits");
            }
            return HexFormat.fromHexDigitsToLong(login, 0, 16);
        }

        private static long low(String login) {
            return HexFormat.fromHexDigitsToLong(login, 16, 32);
        }

        /**
         * Returns the time of the login or sign-out.
         *
         * @return when it happened, in milliseconds of the store's clock
         */
        public Instant since() {
            return Instant.ofEpochMilli(since);
        }

        /**
         * Returns the id of the login or sign-out.
         *
         * @return 32 lower-case hexadecimal digits
         */
        public String login() {
            return HexFormat.of().toHexDigits(loginHigh) + HexFormat.of().toHexDigits(loginLow);
        }

        /**
         * Returns the number of refreshes.
         *
         * @return the number since the login
         */
        public long number() {
            return number;
        }

        /**
         * Returns the attempt that obtained the token.
         *
         * @return its number, 0 for a login
         */
        public long attempt() {
            return attempt;
        }

        /**
         * Returns true if the record has no token any more.
         *
         * @return true for {@link State#DEAD} and {@link State#OUT}
         */
        public boolean ended() {
            return ended;
        }

        @Override
        public int compareTo(Version other) {
            return ORDER.compare(this, other);
        }

        /**
         * Returns true if both versions have the same login and number. A mark belongs to a record if it has the same, and two
         * different records with the same are successors of one refresh token.
         *
         * @param other another version
         * @return true if login and number are equal
         */
        public boolean isSibling(Version other) {
            return loginHigh == other.loginHigh && loginLow == other.loginLow && number == other.number;
        }

        private boolean isSameAttempt(Version other) {
            return isSibling(other) && attempt == other.attempt;
        }

        @Override
        public boolean equals(@Nullable Object other) {
            return other instanceof Version that && since == that.since && isSameAttempt(that) && ended == that.ended;
        }

        @Override
        public int hashCode() {
            return Objects.hash(since, loginHigh, number, attempt, ended);
        }

        @Override
        public String toString() {
            return "Version[since=" + since() + ", login=" + login() + ", number=" + number + ", attempt=" + attempt
                    + ", ended=" + ended + "]";
        }
    }

    /**
     * Record of one key. Immutable. {@link #toString()} prints the version and the token's fingerprint, and no secret.
     *
     * <p>This type is a class and not a Java record on purpose: a library that writes records as JSON would write the token
     * too.
     */
    @SuppressWarnings("AvoidCommonTypeNames") // always read as TokenStore.Record
    final class Record {

        // The fields of the version: it is made on demand, as the object would take a tenth of a sleeping session.
        private final long since;
        private final long loginHigh;
        private final long loginLow;
        private final long number;
        private final long attempt;

        /** The token of a live record without unknown members, as most are; otherwise a {@link Content}. */
        private final Object content;

        private record Content(State state, @Nullable Token token, UnknownMembers unknown) {}

        Record(Version version, State state, @Nullable Token token, UnknownMembers unknown) {
            if (version.ended() != (state != State.LIVE) || (token != null) != (state == State.LIVE)) {
                throw new IllegalArgumentException("A record has a token if it is live, and none otherwise");
            }
            this.since = version.since;
            this.loginHigh = version.loginHigh;
            this.loginLow = version.loginLow;
            this.number = version.number;
            this.attempt = version.attempt;
            this.content =
                    token != null && unknown.equals(UnknownMembers.NONE) ? token : new Content(state, token, unknown);
        }

        /**
         * Returns the record of a new login.
         *
         * @param since when it happened, by the store's clock
         * @param login its random id: 32 lower-case hexadecimal digits
         * @param token the token that was obtained
         * @return a live record
         */
        public static Record login(Instant since, String login, Token token) {
            return new Record(new Version(since, login, 0, 0, false), State.LIVE, token, UnknownMembers.NONE);
        }

        /**
         * Returns the record of a sign-out.
         *
         * @param since when it happened, by the store's clock
         * @param login its random id: 32 lower-case hexadecimal digits
         * @return a record without a token
         */
        public static Record signOut(Instant since, String login) {
            return new Record(new Version(since, login, 0, 0, true), State.OUT, null, UnknownMembers.NONE);
        }

        /**
         * Returns the successor of this record after a refresh.
         *
         * @param attempt the attempt that obtained the token
         * @param next the token
         * @return a live record of the same login and the next number
         */
        public Record refreshed(long attempt, Token next) {
            Version refreshed = new Version(since, loginHigh, loginLow, number + 1, attempt, false);
            return new Record(refreshed, State.LIVE, next, unknown());
        }

        /**
         * Returns this record as obtained by a later attempt. A node presents a successor that it still has after another node's
         * successor was refused.
         *
         * @param attempt the later attempt
         * @return a live record with the same token
         */
        public Record withAttempt(long attempt) {
            Version later = new Version(since, loginHigh, loginLow, number, attempt, false);
            return new Record(later, State.LIVE, token(), unknown());
        }

        /**
         * Returns this record after the provider has refused its refresh token.
         *
         * @return a record without a token
         */
        public Record dead() {
            Version dead = new Version(since, loginHigh, loginLow, number, attempt, true);
            return new Record(dead, State.DEAD, null, unknown());
        }

        /**
         * Returns the version.
         *
         * @return the version
         */
        public Version version() {
            return new Version(since, loginHigh, loginLow, number, attempt, state() != State.LIVE);
        }

        /**
         * Returns the state.
         *
         * @return the state
         */
        public State state() {
            return content instanceof Content rare ? rare.state : State.LIVE;
        }

        /**
         * Returns the token.
         *
         * @return the token of a live record, null otherwise
         */
        public @Nullable Token token() {
            return content instanceof Content rare ? rare.token : (Token) content;
        }

        /**
         * Returns the time at which the record may be removed.
         *
         * @param written when the record was written
         * @param unused the time after which an unused live record ends, if the end of its grant is not known
         * @return the end of the grant, or the time counted from the last write; 24 hours after it if the record is not live
         */
        public Instant expiresAt(Instant written, Duration unused) {
            Token token = token();
            if (token == null) {
                return written.plus(Duration.ofHours(24));
            }
            Instant end = token.grantExpiresAt();
            return end != null ? end : written.plus(unused);
        }

        UnknownMembers unknown() {
            return content instanceof Content rare ? rare.unknown : UnknownMembers.NONE;
        }

        @Override
        public boolean equals(@Nullable Object other) {
            return other instanceof Record that && version().equals(that.version()) && content.equals(that.content);
        }

        @Override
        public int hashCode() {
            return version().hashCode();
        }

        @Override
        public String toString() {
            Token token = token();
            return "Record[" + state() + ", " + version() + (token == null ? "" : ", " + token) + "]";
        }
    }

    /**
     * Result of {@link #load} and {@link #put}.
     *
     * @param record the record that is stored, null for none
     * @param now the store's time
     */
    record Entry(@Nullable Record record, Instant now) {

        /**
         * Returns true if a version is stored.
         *
         * @param version a version
         * @return true if the record has exactly this version
         */
        public boolean holds(Version version) {
            return record != null && record.version().equals(version);
        }
    }

    /** The outcomes of {@link #acquire} and {@link #extend}. */
    enum Outcome {
        /** The attempt has the lease. */
        GRANTED,
        /** Another attempt has the lease. */
        BUSY,
        /** No attempt gets the lease before the end of a pause. */
        PAUSED,
        /** The record is not the one that was seen. For {@link #extend}: the attempt does not hold the lease. */
        MOVED
    }

    /**
     * Result of {@link #acquire} and {@link #extend}. Created by the static methods.
     *
     * @param outcome the outcome
     * @param record the record that is stored, null for none
     * @param now the store's time
     * @param attempt the number of the attempt if it has the lease, 0 otherwise
     * @param until the end of the granted lease by the store's time, or null for a lease that cannot end before its holder
     * @param otherMark the age of the mark that another attempt has left for this record; null if there is none
     * @param remaining how long the other lease or the pause lasts at most; zero if it is not known, or nothing to wait for
     */
    record Acquired(
            Outcome outcome,
            @Nullable Record record,
            Instant now,
            long attempt,
            @Nullable Instant until,
            @Nullable Duration otherMark,
            Duration remaining) {

        /**
         * Returns a grant.
         *
         * @param record the record that is stored
         * @param now the store's time
         * @param attempt the number of the attempt
         * @param until the end of the lease, null if it cannot end before its holder
         * @param otherMark the age of another attempt's mark, null if there is none
         * @return the outcome
         */
        public static Acquired granted(
                @Nullable Record record,
                Instant now,
                long attempt,
                @Nullable Instant until,
                @Nullable Duration otherMark) {
            return new Acquired(Outcome.GRANTED, record, now, attempt, until, otherMark, Duration.ZERO);
        }

        /**
         * Returns the outcome that another attempt has the lease.
         *
         * @param record the record that is stored
         * @param now the store's time
         * @param remaining the rest of that lease, zero if it has no end
         * @return the outcome
         */
        public static Acquired busy(Record record, Instant now, Duration remaining) {
            return new Acquired(Outcome.BUSY, record, now, 0, null, null, remaining);
        }

        /**
         * Returns the outcome that there is a pause.
         *
         * @param record the record that is stored
         * @param now the store's time
         * @param remaining the rest of the pause
         * @return the outcome
         */
        public static Acquired paused(Record record, Instant now, Duration remaining) {
            return new Acquired(Outcome.PAUSED, record, now, 0, null, null, remaining);
        }

        /**
         * Returns the outcome that the record is another one, or that the lease is not held.
         *
         * @param record the record that is stored, null for none
         * @param now the store's time
         * @return the outcome
         */
        public static Acquired moved(@Nullable Record record, Instant now) {
            return new Acquired(Outcome.MOVED, record, now, 0, null, null, Duration.ZERO);
        }
    }

    /**
     * A stored record cannot be read. The message holds nothing of it. A store whose operation meets such a record
     * fails with this error and leaves the record as it is.
     */
    final class UnreadableRecordException extends RuntimeException {

        private static final long serialVersionUID = 1L;

        private final Reason reason;

        /**
         * Creates the error of a record that a store cannot read.
         *
         * @param reason the reason
         */
        public UnreadableRecordException(Reason reason) {
            super(reason.message);
            this.reason = reason;
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
         * Returns true if a write may replace the record. A refresh never does; a login or a sign-out of the user may, unless a
         * newer release or a node with a newer key can read the record.
         *
         * @param kind the reason for the write
         * @return true if the record counts as absent for this write
         */
        public boolean yieldsTo(Kind kind) {
            return (kind == Kind.LOGIN || kind == Kind.SIGN_OUT)
                    && reason != Reason.NEWER_FORMAT
                    && reason != Reason.NEWER_KEY;
        }

        /** The reasons for which a record cannot be read. */
        public enum Reason {
            /** Not a record, or changed since it was written. */
            CORRUPT("The stored record is damaged, or was changed by somebody else."),

            /** Sealed with a key that the key ring does not have. */
            UNKNOWN_KEY(
                    "The stored record was sealed with a key that is not in the key ring. Add that key as an older one."),

            /** Sealed with a key that the key ring does not have yet. */
            NEWER_KEY("The stored record was sealed with a newer key. Add that key to this node's key ring."),

            /** Written by a later release in a format that this one does not know. */
            NEWER_FORMAT("The stored record was written by a newer release. Upgrade this program."),

            /** Sealed, but the store has no key ring; or not sealed, although the store has one. */
            NOT_SEALED("The stored record is sealed and the store has no key ring, or the other way round.");

            private final String message;

            Reason(String message) {
                this.message = message;
            }
        }
    }
}
