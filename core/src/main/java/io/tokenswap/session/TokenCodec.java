package io.tokenswap.session;

import io.tokenswap.KeyRing;
import io.tokenswap.RefreshToken;
import io.tokenswap.Token;
import io.tokenswap.internal.Json;
import io.tokenswap.session.TokenStore.Record;
import io.tokenswap.session.TokenStore.State;
import io.tokenswap.session.TokenStore.UnreadableRecordException;
import io.tokenswap.session.TokenStore.UnreadableRecordException.Reason;
import io.tokenswap.session.TokenStore.Version;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Writes a record of a {@link TokenStore} as text, and reads it. For authors of stores.
 *
 * <pre>
 * {"v":1,"since":1893456000000,"login":"4bf9...","n":12,"p":14,"state":"LIVE","body":"AQx3..."}
 * </pre>
 *
 * <p>The clear members are the version, so that an engine can compare versions without a key. The body holds the token
 * and is sealed with a {@link KeyRing}. It is bound to the key of the record and to all clear members: a body that is
 * moved to another record, or whose version is changed, does not open. A record that is not {@link State#LIVE} has no
 * body.
 *
 * <p>Members of an unknown name are kept when a record is read and its successor is written. A text of a greater
 * {@code v} is refused. The time of sealing plays no part, so that nodes whose clocks differ can share a store.
 */
public final class TokenCodec {

    private static final int FORMAT = 1;

    /** More than the record of the longest response of a server (64 KiB), which becomes a third longer when it is sealed. */
    private static final int LONGEST = 120_000;

    private static final String PURPOSE = "io.tokenswap.session.TokenStore.Record";

    private TokenCodec() {}

    /**
     * Writes a record with a sealed body.
     *
     * @param key the key of the record
     * @param record the record
     * @param keys seals the body
     * @return the text: one line of ASCII characters and of what unknown clear members hold
     * @throws IllegalArgumentException if the text would have more than 120,000 characters
     */
    public static String encode(String key, Record record, KeyRing keys) {
        Map<String, @Nullable Object> members = clearMembers(record);
        Token token = record.token();
        if (token != null) {
            byte[] body = Json.writeObject(bodyMembers(token, record.unknown().sealed()));
            members.put("body", keys.seal(PURPOSE, associatedData(key, members), body));
        }
        return readable(text(members));
    }

    /**
     * Reads a record with a sealed body.
     *
     * @param key the key of the record
     * @param text what {@link #encode} has written
     * @param keys opens the body
     * @return the record
     * @throws UnreadableRecordException if the text is not a record of this key, or was written by a later release
     */
    public static Record decode(String key, String text, KeyRing keys) {
        Map<String, @Nullable Object> members = members(text);
        Object body = members.remove("body");
        if (body == null) {
            return record(members, null);
        }
        if (!(body instanceof String sealed)) {
            throw new UnreadableRecordException(body instanceof Map ? Reason.NOT_SEALED : Reason.CORRUPT);
        }
        // Read first: the members are bound in the form in which this class writes them.
        clear(members);
        byte[] opened;
        try {
            opened = keys.openAtAnyTime(PURPOSE, associatedData(key, members), sealed);
        } catch (KeyRing.OpenException e) {
            throw new UnreadableRecordException(
                    switch (e.reason()) {
                        case UNKNOWN_KEY -> Reason.UNKNOWN_KEY;
                        case NEWER_KEY -> Reason.NEWER_KEY;
                        case ALTERED, EXPIRED, FUTURE -> Reason.CORRUPT;
                    });
        }
        return record(members, Json.readObject(opened));
    }

    /**
     * Writes a record with its body in clear. Who reads the text has the user's tokens: use it only where the storage
     * keeps others out, for example in a file that belongs to its owner alone.
     *
     * @param record the record
     * @return the text
     */
    public static String unsafeEncode(Record record) {
        Map<String, @Nullable Object> members = clearMembers(record);
        Token token = record.token();
        if (token != null) {
            members.put("body", bodyMembers(token, record.unknown().sealed()));
        }
        return readable(text(members));
    }

    /** Refuses a text that would be taken for damaged when it is read. */
    private static String readable(String text) {
        if (text.length() > LONGEST) {
            throw new IllegalArgumentException("The token is too long to be stored: its record has " + text.length()
                    + " characters, and at most " + LONGEST + " are read");
        }
        return text;
    }

    /**
     * Reads a record with its body in clear.
     *
     * @param text what {@link #unsafeEncode} has written
     * @return the record
     * @throws UnreadableRecordException if the text is not a record, is sealed, or was written by a later release
     */
    @SuppressWarnings("unchecked")
    public static Record unsafeDecode(String text) {
        Map<String, @Nullable Object> members = members(text);
        Object body = members.remove("body");
        if (body != null && !(body instanceof Map)) {
            throw new UnreadableRecordException(body instanceof String ? Reason.NOT_SEALED : Reason.CORRUPT);
        }
        return record(members, (Map<String, @Nullable Object>) body);
    }

    private static String text(Map<String, @Nullable Object> members) {
        return new String(Json.writeObject(members), StandardCharsets.UTF_8);
    }

    private static Map<String, @Nullable Object> clearMembers(Record record) {
        Version version = record.version();
        Map<String, @Nullable Object> members = new LinkedHashMap<>();
        members.put("v", FORMAT);
        members.put("since", version.since().toEpochMilli());
        members.put("login", version.login());
        members.put("n", version.number());
        members.put("p", version.attempt());
        members.put("state", record.state().name());
        record.unknown().clear().forEach(members::putIfAbsent);
        return members;
    }

    /** The clear members in one form, whatever the order in which a store has kept them. */
    private static String associatedData(String key, Map<String, @Nullable Object> clear) {
        return key + "\n" + text(new TreeMap<>(clear));
    }

    private static Map<String, @Nullable Object> bodyMembers(Token token, Map<String, @Nullable Object> unknown) {
        Map<String, @Nullable Object> members = new LinkedHashMap<>();
        members.put("access_token", token.accessToken().secret());
        members.put("token_type", token.tokenType());
        members.put("scopes", new ArrayList<>(token.scopes()));
        RefreshToken refreshToken = token.refreshToken();
        members.put("refresh_token", refreshToken == null ? null : refreshToken.secret());
        members.put("issued_at", token.issuedAt().toString());
        members.put("expires_at", text(token.expiresAt()));
        members.put("authorized_at", token.authorizedAt().toString());
        members.put("grant_expires_at", text(token.grantExpiresAt()));
        members.put("refresh_token_timeout", text(token.refreshTokenTimeout()));
        members.values().removeIf(value -> value == null);
        unknown.forEach(members::putIfAbsent);
        return members;
    }

    private static @Nullable String text(@Nullable Object value) {
        return value == null ? null : value.toString();
    }

    private static Map<String, @Nullable Object> members(String text) {
        Map<String, @Nullable Object> members = text.length() > LONGEST ? null : Json.readObject(text);
        if (members == null || !(members.get("v") instanceof BigDecimal format)) {
            throw new UnreadableRecordException(Reason.CORRUPT);
        }
        int compared = format.compareTo(BigDecimal.valueOf(FORMAT));
        if (compared != 0) {
            boolean newer = compared > 0 && format.stripTrailingZeros().scale() <= 0;
            throw new UnreadableRecordException(newer ? Reason.NEWER_FORMAT : Reason.CORRUPT);
        }
        return members;
    }

    /** The record of the members. What is left in the two maps afterwards is unknown to this release. */
    private static Record record(Map<String, @Nullable Object> members, @Nullable Map<String, @Nullable Object> body) {
        Clear clear = clear(members);
        for (String name : List.of("v", "since", "login", "n", "p", "state")) {
            members.remove(name);
        }
        boolean live = clear.state == State.LIVE;
        if (live != (body != null)) {
            throw new UnreadableRecordException(Reason.CORRUPT);
        }
        try {
            Token token = body == null ? null : token(body);
            Map<String, @Nullable Object> sealed = body == null ? Map.of() : body;
            return new Record(clear.version, clear.state, token, new UnknownMembers(members, sealed));
        } catch (IllegalArgumentException | DateTimeException | ArithmeticException malformed) {
            // Without the cause: its message may quote the body.
            throw new UnreadableRecordException(Reason.CORRUPT);
        }
    }

    /** Reads the version, and puts its numbers back in the form in which this class writes them. */
    private static Clear clear(Map<String, @Nullable Object> members) {
        try {
            State state = State.valueOf(string(members, "state"));
            members.replace("v", FORMAT);
            for (String name : List.of("since", "n", "p")) {
                members.replace(name, number(members, name));
            }
            return new Clear(
                    new Version(
                            Instant.ofEpochMilli(number(members, "since")),
                            string(members, "login"),
                            number(members, "n"),
                            number(members, "p"),
                            state != State.LIVE),
                    state);
        } catch (IllegalArgumentException | DateTimeException | ArithmeticException malformed) {
            throw new UnreadableRecordException(Reason.CORRUPT);
        }
    }

    private static Token token(Map<String, @Nullable Object> body) {
        Token.Builder token = Token.builder(string(body, "access_token"), Instant.parse(string(body, "issued_at")))
                .tokenType(string(body, "token_type"))
                .authorizedAt(Instant.parse(string(body, "authorized_at")));
        if (body.get("scopes") instanceof List<?> scopes) {
            if (!scopes.stream().allMatch(String.class::isInstance)) {
                throw new IllegalArgumentException("scopes");
            }
            token.scopes(scopes.stream().map(String.class::cast).toList());
        }
        String refreshToken = optional(body, "refresh_token");
        String expiresAt = optional(body, "expires_at");
        String grantExpiresAt = optional(body, "grant_expires_at");
        String refreshTokenTimeout = optional(body, "refresh_token_timeout");
        token.refreshToken(refreshToken)
                .expiresAt(expiresAt == null ? null : Instant.parse(expiresAt))
                .grantExpiresAt(grantExpiresAt == null ? null : Instant.parse(grantExpiresAt))
                .refreshTokenTimeout(refreshTokenTimeout == null ? null : Duration.parse(refreshTokenTimeout));
        for (String name : List.of(
                "access_token",
                "token_type",
                "scopes",
                "refresh_token",
                "issued_at",
                "expires_at",
                "authorized_at",
                "grant_expires_at",
                "refresh_token_timeout")) {
            body.remove(name);
        }
        return token.build();
    }

    private static String string(Map<String, @Nullable Object> members, String name) {
        String text = optional(members, name);
        if (text == null) {
            throw new IllegalArgumentException(name);
        }
        return text;
    }

    private static @Nullable String optional(Map<String, @Nullable Object> members, String name) {
        Object value = members.get(name);
        if (value != null && !(value instanceof String)) {
            throw new IllegalArgumentException(name);
        }
        return (String) value;
    }

    private static long number(Map<String, @Nullable Object> members, String name) {
        Object value = members.get(name);
        if (value instanceof Long number) {
            return number;
        }
        if (!(value instanceof BigDecimal number)) {
            throw new IllegalArgumentException(name);
        }
        return number.longValueExact();
    }

    private record Clear(Version version, State state) {}
}
