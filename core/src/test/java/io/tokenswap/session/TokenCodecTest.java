package io.tokenswap.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.tokenswap.KeyRing;
import io.tokenswap.Token;
import io.tokenswap.internal.RandomBytes;
import io.tokenswap.session.TokenStore.Record;
import io.tokenswap.session.TokenStore.UnreadableRecordException;
import io.tokenswap.session.TokenStore.UnreadableRecordException.Reason;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TokenCodecTest {

    private static final Instant NOW = Instant.parse("2030-01-01T00:00:00.123456789Z");
    private static final String ID = "0123456789abcdef0123456789abcdef";
    private static final String KEY = TokenStore.key("alice");

    private static final Token FULL = Token.builder("canary-access", NOW)
            .tokenType("bearer")
            .scopes(List.of("a", "b"))
            .refreshToken("canary-refresh")
            .expiresAt(NOW.plusSeconds(3_600))
            .authorizedAt(NOW.minusSeconds(1))
            .grantExpiresAt(Instant.parse("9999-01-01T00:00:00Z"))
            .refreshTokenTimeout(Duration.ofDays(14))
            .build();
    private static final Record RECORD = Record.login(NOW, ID, FULL).refreshed(7, FULL);

    private final KeyRing keys = KeyRing.random();

    private Reason refusal(String text) {
        return refusal(KEY, text);
    }

    private Reason refusal(String key, String text) {
        UnreadableRecordException e =
                catchThrowableOfType(UnreadableRecordException.class, () -> TokenCodec.decode(key, text, keys));
        assertThat(e).as(text).isNotNull();
        assertThat(e.getMessage()).doesNotContain("canary");
        assertThat(e).hasNoCause();
        return e.reason();
    }

    @Test
    void recordsAreReadAsTheyWereWritten() {
        Record poor = Record.login(NOW, ID, Token.builder("canary-access", NOW).build());
        for (Record record : List.of(RECORD, poor, RECORD.dead(), Record.signOut(NOW, ID))) {
            assertThat(TokenCodec.decode(KEY, TokenCodec.encode(KEY, record, keys), keys))
                    .isEqualTo(record);
            assertThat(TokenCodec.unsafeDecode(TokenCodec.unsafeEncode(record))).isEqualTo(record);
        }
    }

    /** The prefix of a text is what scripts of an engine read. */
    @Test
    @Tag("D21")
    @Tag("E97")
    void theVersionIsInClearAndNothingOfTheTokenIs() {
        String text = TokenCodec.encode(KEY, RECORD, keys);

        assertThat(text)
                .startsWith("{\"v\":1,\"since\":1893456000123,\"login\":\"" + ID
                        + "\",\"n\":1,\"p\":7,\"state\":\"LIVE\",\"body\":\"")
                .doesNotContain("canary")
                .doesNotContain(FULL.fingerprint());
        assertThat(TokenCodec.encode(KEY, RECORD.dead(), keys))
                .isEqualTo("{\"v\":1,\"since\":1893456000123,\"login\":\"" + ID
                        + "\",\"n\":1,\"p\":7,\"state\":\"DEAD\"}");
    }

    @Test
    @Tag("D21")
    void aBodyIsBoundToItsKeyAndToEveryClearMember() {
        String text = TokenCodec.encode(KEY, RECORD, keys);

        assertThat(refusal(TokenStore.key("bob"), text)).isEqualTo(Reason.CORRUPT);
        assertThat(refusal(text.replace("1893456000123", "1893456000124"))).isEqualTo(Reason.CORRUPT);
        assertThat(refusal(text.replace(ID, "1" + ID.substring(1)))).isEqualTo(Reason.CORRUPT);
        assertThat(refusal(text.replace("\"n\":1", "\"n\":2"))).isEqualTo(Reason.CORRUPT);
        assertThat(refusal(text.replace("\"p\":7", "\"p\":8"))).isEqualTo(Reason.CORRUPT);
        assertThat(refusal(text.replace("LIVE", "DEAD"))).isEqualTo(Reason.CORRUPT);
        assertThat(refusal(text.replace("\"v\":1", "\"v\":1,\"x\":true"))).isEqualTo(Reason.CORRUPT);
    }

    @Test
    @Tag("D09")
    @Tag("D42")
    void unknownMembersAreKeptByTheSuccessorsOfARecord() {
        String clear = "{\"v\":1,\"since\":1893456000123,\"login\":\"" + ID + "\",\"n\":1,\"p\":7,\"state\":\"LIVE\"";
        String extra = ",\"region\":{\"of\":[\"eu\",1.50,null,true]}";
        String body = TokenCodec.unsafeEncode(RECORD).replaceFirst(".*\"body\":", "");
        String plain = clear + extra + ",\"body\":" + body.replaceFirst("}}$", ",\"dpop_key\":\"canary-key\"}}");
        Record read = TokenCodec.unsafeDecode(plain);
        assertThat(read).isNotEqualTo(RECORD);
        assertThat(read.toString()).doesNotContain("canary");

        String sealed = TokenCodec.encode(KEY, read.refreshed(8, FULL), keys);
        assertThat(sealed)
                .contains("\"region\":{\"of\":[\"eu\",1.50,null,true]}")
                .doesNotContain("canary");
        assertThat(TokenCodec.unsafeEncode(TokenCodec.decode(KEY, sealed, keys)))
                .contains("\"region\":{\"of\":[\"eu\",1.50,null,true]}")
                .contains("\"dpop_key\":\"canary-key\"");
        assertThat(TokenCodec.encode(KEY, read.dead(), keys)).contains("\"region\":");
    }

    /** PostgreSQL's jsonb orders members by the length of their names. */
    @Test
    void theOrderOfTheMembersDoesNotMatter() {
        String text = TokenCodec.encode(KEY, RECORD, keys);
        String body = text.replaceFirst(".*\"body\":\"(.*)\"}$", "$1");
        String other = "{\"n\": 1, \"p\": 7, \"v\": 1, \"body\": \"" + body + "\", \"login\": \"" + ID
                + "\", \"since\": 1893456000123, \"state\": \"LIVE\"}";

        assertThat(TokenCodec.decode(KEY, other, keys)).isEqualTo(RECORD);
    }

    @Test
    @Tag("D09")
    void aNewerFormatIsNamed() {
        assertThat(refusal("{\"v\":2,\"anything\":\"else\"}")).isEqualTo(Reason.NEWER_FORMAT);
        assertThat(refusal("{\"v\":1e30}")).isEqualTo(Reason.NEWER_FORMAT);
    }

    @Test
    @Tag("D10")
    void aKeyThatIsMissingIsNamed() {
        assertThat(refusal(TokenCodec.encode(KEY, RECORD, KeyRing.random()))).isEqualTo(Reason.UNKNOWN_KEY);
        String old = Base64.getEncoder().encodeToString(RandomBytes.next(32));
        String fresh = Base64.getEncoder().encodeToString(RandomBytes.next(32));
        String text = TokenCodec.encode(KEY, RECORD, KeyRing.of(fresh, old));
        UnreadableRecordException e = catchThrowableOfType(
                UnreadableRecordException.class, () -> TokenCodec.decode(KEY, text, KeyRing.of(old)));
        assertThat(e.reason()).isEqualTo(Reason.NEWER_KEY);
    }

    @Test
    void sealedAndPlainTextsAreToldApart() {
        assertThat(refusal(TokenCodec.unsafeEncode(RECORD))).isEqualTo(Reason.NOT_SEALED);
        UnreadableRecordException e = catchThrowableOfType(
                UnreadableRecordException.class, () -> TokenCodec.unsafeDecode(TokenCodec.encode(KEY, RECORD, keys)));
        assertThat(e.reason()).isEqualTo(Reason.NOT_SEALED);
    }

    @Test
    @Tag("D47")
    void sealingAnewUnderAnotherKeyChangesNoVersion() {
        String old = Base64.getEncoder().encodeToString(RandomBytes.next(32));
        String fresh = Base64.getEncoder().encodeToString(RandomBytes.next(32));
        KeyRing both = KeyRing.of(fresh, old);
        Record read = TokenCodec.decode(KEY, TokenCodec.encode(KEY, RECORD, KeyRing.of(old)), both);

        assertThat(TokenCodec.decode(KEY, TokenCodec.encode(KEY, read, both), KeyRing.of(fresh)))
                .isEqualTo(RECORD);
    }

    @Test
    @Tag("D40")
    void clocksOfNodesMayBeFarApart() {
        KeyRing ahead = keys.withClock(() -> NOW.plus(Duration.ofDays(400)));
        KeyRing behind = keys.withClock(() -> NOW.minus(Duration.ofDays(400)));

        assertThat(TokenCodec.decode(KEY, TokenCodec.encode(KEY, RECORD, ahead), behind))
                .isEqualTo(RECORD);
    }

    @ParameterizedTest
    @Tag("D08")
    @ValueSource(
            strings = {
                "",
                "\0\0\0\0",
                "{",
                "null",
                "[]",
                "{}",
                "canary",
                "{\"v\":\"1\"}",
                "{\"v\":0}",
                "{\"v\":1}",
                "{\"v\":1.5}",
                "{\"v\":1,\"since\":1,\"login\":\"0123456789abcdef0123456789abcdef\",\"n\":0,\"p\":0,\"state\":\"LIVE\"}",
                "{\"v\":1,\"since\":1,\"login\":\"0123456789abcdef0123456789abcdef\",\"n\":0,\"p\":0,\"state\":\"live\"}",
                "{\"v\":1,\"since\":1,\"login\":\"0123456789abcdef0123456789abcdef\",\"n\":0,\"p\":0,\"state\":\"OUT\",\"body\":1}",
                "{\"v\":1,\"since\":1e400,\"login\":\"0123456789abcdef0123456789abcdef\",\"n\":0,\"p\":0,\"state\":\"OUT\"}",
                "{\"v\":1,\"since\":9223372036854775807,\"login\":\"x\",\"n\":0,\"p\":0,\"state\":\"OUT\"}",
                "{\"v\":1,\"since\":1,\"login\":\"0123456789abcdef0123456789abcdef\",\"n\":-1,\"p\":0,\"state\":\"OUT\"}",
                "{\"v\":1,\"since\":1,\"login\":\"0123456789abcdef0123456789abcdef\",\"n\":0.5,\"p\":0,\"state\":\"OUT\"}",
                "{\"v\":1,\"since\":\"1\",\"login\":\"0123456789abcdef0123456789abcdef\",\"n\":0,\"p\":0,\"state\":\"OUT\"}",
                "{\"v\":1,\"since\":1,\"login\":7,\"n\":0,\"p\":0,\"state\":\"OUT\"}",
                "{\"v\":1,\"since\":1,\"login\":\"0123456789abcdef0123456789abcdef\",\"n\":0,\"p\":0,\"state\":\"LIVE\",\"body\":\"canary\"}",
                "{\"v\":1,\"v\":1,\"since\":1,\"login\":\"0123456789abcdef0123456789abcdef\",\"n\":0,\"p\":0,\"state\":\"OUT\"}"
            })
    void anythingElseIsCorrupt(String text) {
        assertThat(refusal(text)).isEqualTo(Reason.CORRUPT);
    }

    /** A server's response has 64 KiB at most. */
    @Test
    @Tag("D08")
    void theLongestTokenOfAResponseIsReadAgain() {
        Token longest = Token.builder("a".repeat(16 * 1024), NOW)
                .refreshToken("r".repeat(48 * 1024))
                .build();
        Record record = Record.login(NOW, ID, longest);

        assertThat(TokenCodec.decode(KEY, TokenCodec.encode(KEY, record, keys), keys))
                .isEqualTo(record);
        assertThat(TokenCodec.unsafeDecode(TokenCodec.unsafeEncode(record))).isEqualTo(record);
    }

    /** It would be taken for damaged when it is read, and its user would be signed out. */
    @Test
    @Tag("D08")
    void aTokenThatCouldNotBeReadAgainIsRefused() {
        Record large =
                Record.login(NOW, ID, Token.builder("a".repeat(120_000), NOW).build());

        assertThatThrownBy(() -> TokenCodec.encode(KEY, large, keys)).hasMessageContaining("too long to be stored");
        assertThatThrownBy(() -> TokenCodec.unsafeEncode(large)).hasMessageContaining("too long to be stored");
    }

    @Test
    @Tag("D08")
    void longTextsAreNotParsed() {
        String record = "{\"v\":2,\"x\":\"\"}";
        int longest = 120_000 - record.length();

        assertThat(refusal("{\"v\":2,\"x\":\"" + "x".repeat(longest) + "\"}")).isEqualTo(Reason.NEWER_FORMAT);
        assertThat(refusal("{\"v\":2,\"x\":\"" + "x".repeat(longest + 1) + "\"}"))
                .isEqualTo(Reason.CORRUPT);
    }

    @ParameterizedTest
    @Tag("D08")
    @ValueSource(
            strings = {
                "\"access_token\":\"canary-access\"|\"access_token\":\"\"",
                "\"access_token\":\"canary-access\",|",
                "\"issued_at\":\"2030|\"issued_at\":\"canary",
                "\"expires_at\":\"2030|\"expires_at\":\"canary",
                "[\"a\",\"b\"]|[\"a\",1]",
                "[\"a\",\"b\"]|[null]",
                "\"token_type\":\"bearer\"|\"token_type\":1",
                "PT336H|canary",
            })
    void aBodyThatIsNoTokenIsCorrupt(String change) {
        String[] parts = change.split("\\|", -1);
        String text = TokenCodec.unsafeEncode(RECORD);
        String changed = text.substring(0, text.indexOf("body"))
                + text.substring(text.indexOf("body")).replace(parts[0], parts[1]);
        UnreadableRecordException e =
                catchThrowableOfType(UnreadableRecordException.class, () -> TokenCodec.unsafeDecode(changed));
        assertThat(e.reason()).isEqualTo(Reason.CORRUPT);
    }
}
