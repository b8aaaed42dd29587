package io.tokenswap.session;

import static org.assertj.core.api.Assertions.assertThat;

import io.tokenswap.Token;
import io.tokenswap.session.TokenStore.Kind;
import io.tokenswap.session.TokenStore.Outcome;
import io.tokenswap.session.TokenStore.Record;
import io.tokenswap.testing.TokenStoreContract;
import io.tokenswap.testing.VirtualClock;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;

class InMemoryTokenStoreTest extends TokenStoreContract {

    private static final String ID = "0123456789abcdef0123456789abcdef";

    private final VirtualClock clock = new VirtualClock();
    private final TokenStore memory = TokenStore.inMemory(clock);

    @Override
    protected TokenStore store() {
        return memory;
    }

    private Record put(String key, Record record, Kind kind) {
        return memory.put(key, record, kind, "none", 0).block().record();
    }

    private Record login(Instant grantExpiresAt) {
        Token token = Token.builder("access-1", clock.instant())
                .refreshToken("refresh-1")
                .grantExpiresAt(grantExpiresAt)
                .build();
        return Record.login(clock.instant(), ID, token);
    }

    @Test
    void aLeaseNeverEndsBeforeItsHolder() {
        Record login = put("k", login(null), Kind.LOGIN);
        assertThat(memory.acquire("k", "a", login.version(), Duration.ofSeconds(20))
                        .block()
                        .until())
                .isNull();
        clock.advance(Duration.ofDays(100));

        assertThat(memory.acquire("k", "b", login.version(), Duration.ofSeconds(20))
                        .block()
                        .outcome())
                .isEqualTo(Outcome.BUSY);
        assertThat(memory.extend("k", "a", 1, Duration.ofSeconds(20)).block().outcome())
                .isEqualTo(Outcome.GRANTED);
    }

    @Test
    void aPauseEndsByTheClockOfTheStore() {
        Record login = put("k", login(null), Kind.LOGIN);
        memory.acquire("k", "a", login.version(), Duration.ZERO).block();
        memory.release("k", "a", 1, Duration.ofSeconds(60), true).block();
        clock.advance(Duration.ofSeconds(60).minusMillis(1));
        assertThat(memory.acquire("k", "b", login.version(), Duration.ZERO)
                        .block()
                        .outcome())
                .isEqualTo(Outcome.PAUSED);
        clock.advance(Duration.ofMillis(1));

        assertThat(memory.acquire("k", "b", login.version(), Duration.ZERO)
                        .block()
                        .outcome())
                .isEqualTo(Outcome.GRANTED);
    }

    @Test
    void recordsOfNoUseAnyMoreAreRemovedWhileOthersAreWritten() {
        put("signed out", login(null), Kind.LOGIN);
        put("signed out", Record.signOut(clock.instant().plusMillis(1), ID), Kind.SIGN_OUT);
        put("ended", login(clock.instant().plus(Duration.ofDays(3))), Kind.LOGIN);
        put("unused", login(null), Kind.LOGIN);

        clock.advance(Duration.ofDays(1));
        put("other", login(null), Kind.LOGIN);
        assertThat(memory.load("signed out").block().record()).isNull();
        assertThat(memory.load("ended").block().record()).isNotNull();

        clock.advance(Duration.ofDays(2));
        put("other", login(null), Kind.LOGIN);
        assertThat(memory.load("ended").block().record()).isNull();

        clock.advance(Duration.ofDays(177).minusMillis(1));
        put("other", login(null), Kind.LOGIN);
        assertThat(memory.load("unused").block().record()).isNotNull();
        clock.advance(Duration.ofMillis(1));
        put("other", login(null), Kind.LOGIN);
        assertThat(memory.load("unused").block().record()).isNull();
        assertThat(memory.load("other").block().record()).isNotNull();
    }
}
