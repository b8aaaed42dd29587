package io.tokenswap.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tokenswap.Token;
import io.tokenswap.session.TokenStore.Kind;
import io.tokenswap.session.TokenStore.Record;
import io.tokenswap.session.TokenStore.State;
import io.tokenswap.session.TokenStore.Version;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TokenStoreTest {

    private static final Instant NOW = Instant.parse("2030-01-01T00:00:00Z");
    private static final String ID = "0123456789abcdef0123456789abcdef";
    private static final String LATER_ID = "1123456789abcdef0123456789abcdef";

    private static Token token(String name) {
        return Token.builder("access-1" + name, NOW)
                .refreshToken("refresh-1" + name)
                .build();
    }

    private static Record login(Instant since, String id) {
        return Record.login(since, id, token(""));
    }

    /** A name may come from the JSON of a provider, which can hold half of a surrogate pair. */
    @Test
    void keysOfDifferentNamesDifferAlsoIfANameIsNoUnicode() {
        List<String> names = List.of("?", "\uD83D", "\uD83E", "\uDE00", "\uDE00\uD83D", "\uD83D\uDE00", "\uFFFD", "??");
        assertThat(names).extracting(TokenStore::key).doesNotHaveDuplicates();
        assertThat(TokenStore.key("j\u00F6rg \uD83D\uDE00"))
                .isEqualTo("a46afd2b795be153261d73ec87d10962455aedd751fbec969883eee531c01237");
    }

    @Test
    @Tag("D22")
    void versionsAreComparedFieldByField() {
        List<Version> ascending = List.of(
                new Version(NOW, ID, 0, 0, false),
                new Version(NOW, ID, 0, 0, true),
                new Version(NOW, ID, 0, 3, false),
                new Version(NOW, ID, 1, 1, false),
                new Version(NOW, ID, 1, 2, false),
                new Version(NOW, ID, 1, 2, true),
                new Version(NOW, ID, 2, 2, false),
                new Version(NOW, LATER_ID, 0, 0, false),
                new Version(NOW.plusMillis(1), ID, 0, 0, true));
        List<Version> shuffled = new ArrayList<>(ascending);
        Collections.shuffle(shuffled, new Random(1));
        Collections.sort(shuffled);

        assertThat(shuffled).isEqualTo(ascending);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "00000000000000000000000000000000",
                "7fffffffffffffff8000000000000000",
                "8000000000000000ffffffffffffffff"
            })
    void theIdOfALoginIsComparedAsText(String id) {
        Version version = new Version(NOW, id, 0, 0, false);
        assertThat(version.login()).isEqualTo(id);
        for (String other : List.of(ID, "7fffffffffffffff7fffffffffffffff", "f0000000000000000000000000000000")) {
            assertThat(Integer.signum(version.compareTo(new Version(NOW, other, 0, 0, false))))
                    .isEqualTo(Integer.signum(id.compareTo(other)));
        }
    }

    @Test
    void aTimeFinerThanMillisecondsIsCut() {
        assertThat(new Version(NOW.plusNanos(1_999_999), ID, 0, 0, false))
                .isEqualTo(new Version(NOW.plusMillis(1), ID, 0, 0, false));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "0123456789ABCDEF0123456789ABCDEF", "0123456789abcdef0123456789abcde", "'; drop"})
    void aVersionWithAnotherLoginIdIsRefused(String id) {
        assertThatThrownBy(() -> new Version(NOW, id, 0, 0, false)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void aRefreshNeverFillsAnEmptyPlace() {
        Record login = login(NOW, ID);

        assertThat(Kind.REFRESH.accepts(null, login.refreshed(1, token("2")))).isFalse();
        assertThat(Kind.DEAD.accepts(null, login.dead())).isFalse();
        assertThat(Kind.LOGIN.accepts(null, login)).isTrue();
        assertThat(Kind.SIGN_OUT.accepts(null, Record.signOut(NOW, ID))).isTrue();
        assertThat(Kind.REPAIR.accepts(null, login)).isTrue();
    }

    @Test
    void aRefusalReplacesExactlyTheRecordWhoseRefreshTokenWasRefused() {
        Record login = login(NOW, ID);
        Record first = login.refreshed(1, token("2"));
        Record second = login.refreshed(2, token("3"));

        assertThat(Kind.DEAD.accepts(first, first.dead())).isTrue();
        assertThat(Kind.DEAD.accepts(second, first.dead())).isFalse();
        assertThat(Kind.DEAD.accepts(first, second.dead())).isFalse();
        assertThat(Kind.DEAD.accepts(login, first.dead())).isFalse();
        assertThat(Kind.DEAD.accepts(first.dead(), first.dead())).isFalse();
        assertThat(Kind.DEAD.accepts(Record.signOut(NOW.plusMillis(1), LATER_ID), first.dead()))
                .isFalse();
    }

    @Test
    @Tag("E03")
    void aSuccessorBeatsTheRefusalOfWhatItConsumedAndASignOutBeatsBoth() {
        Record login = login(NOW, ID);
        Record next = login.refreshed(1, token("2"));
        Record out = Record.signOut(NOW.plusMillis(1), LATER_ID);

        assertThat(Kind.REFRESH.accepts(login.dead(), next)).isTrue();
        assertThat(Kind.SIGN_OUT.accepts(next, out)).isTrue();
        assertThat(Kind.REFRESH.accepts(out, next)).isFalse();
        assertThat(Kind.REPAIR.accepts(out, next)).isFalse();
    }

    @Test
    void aSuccessorKeepsItsLoginAndCountsOn() {
        Record third = login(NOW, ID).refreshed(4, token("2")).refreshed(9, token("3"));

        assertThat(third.version()).isEqualTo(new Version(NOW, ID, 2, 9, false));
        assertThat(third.withAttempt(12).version()).isEqualTo(new Version(NOW, ID, 2, 12, false));
        assertThat(third.withAttempt(12).token()).isEqualTo(third.token());
        assertThat(third.dead().version()).isEqualTo(new Version(NOW, ID, 2, 9, true));
        assertThat(third.dead().state()).isEqualTo(State.DEAD);
        assertThat(third.dead().token()).isNull();
    }

    @Test
    @Tag("D21")
    void aKeyIsThePlainHashOfTheUsersName() {
        // printf 'io.tokenswap.user:alice' | sha256sum
        assertThat(TokenStore.key("alice"))
                .isEqualTo("eb96f373b31ed5090d75d02a286edca86ccbf391e0023b0c6f8ba6441dde324e");
    }

    @Test
    void aRecordPrintsNoSecret() {
        assertThat(Record.login(
                                NOW,
                                ID,
                                Token.builder("canary-a", NOW)
                                        .refreshToken("canary-r")
                                        .build())
                        .toString())
                .startsWith("Record[LIVE, Version[since=2030-01-01T00:00:00Z, login=" + ID)
                .doesNotContain("canary");
    }
}
