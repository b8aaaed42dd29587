package io.tokenswap.session;

import static org.assertj.core.api.Assertions.assertThat;

import io.tokenswap.KeyRing;
import io.tokenswap.Token;
import io.tokenswap.testing.ScriptedEndpoint;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/** The lease of a store in one process does not end by itself: whatever happens to a session, its key is free afterwards. */
class KeptLeaseTest extends SessionFixture {

    private static final String USER = "alice";

    private final Map<String, String> table = new ConcurrentHashMap<>();
    private @Nullable RuntimeException broken;
    private final TokenStore store = TokenStore.forOneProcess(
            KeyRing.random(),
            key -> Mono.justOrEmpty(table.get(key)),
            (key, text) -> Mono.fromRunnable(() -> {
                if (broken != null) {
                    throw broken;
                }
                table.put(key, text);
            }),
            key -> Mono.fromRunnable(() -> table.remove(key)));

    private TokenSession start() {
        TokenSession session =
                builder().store(store, USER).start(endpoint.grant()).block(Duration.ZERO);
        assertThat(session).isNotNull();
        return session;
    }

    /** Another session of the user signs in and refreshes at once: the key is free. */
    private void checkThatTheKeyIsFree() {
        assertThat(ask(start().refresh())).singleElement().asString().startsWith("access-");
    }

    private TokenSession afterALostResponse() {
        TokenSession session = start();
        endpoint.thenLoseTheResponse();
        ask(session.refresh());
        assertThat(session.state().status()).isEqualTo(SessionState.Status.RETRYING);
        return session;
    }

    @Test
    void aSignOutAfterALostResponseFreesTheKey() {
        assertThat(afterALostResponse().signOut().blockOptional(Duration.ZERO)).isEmpty();
        checkThatTheKeyIsFree();
    }

    @Test
    void aLoginAfterALostResponseFreesTheKey() {
        TokenSession session = afterALostResponse();
        session.renew(endpoint.grant()).block(Duration.ZERO);
        assertThat(ask(session.refresh())).singleElement().asString().startsWith("access-");
    }

    @Test
    void theEndOfTheSessionAfterALostResponseFreesTheKey() {
        afterALostResponse().dispose();
        checkThatTheKeyIsFree();
    }

    @Test
    void aSignOutDuringARefreshFreesTheKey() {
        TokenSession session = start();
        Sinks.One<Token> response = heldResponse();
        ask(session.refresh());
        session.signOut().block(Duration.ZERO);
        response.tryEmitValue(endpoint.grant());
        checkThatTheKeyIsFree();
    }

    @Test
    void aLoginDuringARefreshThatFailsFreesTheKey() {
        TokenSession session = start();
        Sinks.One<Token> response = heldResponse();
        ask(session.refresh());
        session.renew(endpoint.grant()).block(Duration.ZERO);
        response.tryEmitError(ScriptedEndpoint.responseLost());
        assertThat(ask(session.refresh())).singleElement().asString().startsWith("access-");
    }

    @Test
    void aLoginThatOvertakesASaveFreesTheKey() {
        TokenSession session = start();
        broken = new IllegalStateException("The table cannot be written");
        ask(session.refresh());
        broken = null;
        session.renew(endpoint.grant()).block(Duration.ZERO);
        clock.advance(Duration.ofSeconds(10));
        assertThat(ask(session.refresh())).singleElement().asString().startsWith("access-");
    }

    @Test
    void aRefreshBeforeTheLastOneIsSavedFreesTheKey() {
        endpoint.keepRefreshToken();
        TokenSession session = start();
        broken = new IllegalStateException("The table cannot be written");
        ask(session.refresh());
        session.invalidate(session.token().block(Duration.ZERO));
        clock.advance(Duration.ofSeconds(10));
        ask(session.refresh());
        broken = null;
        clock.advance(Duration.ofSeconds(10));
        checkThatTheKeyIsFree();
    }

    @Test
    void aRefusalThatCannotBeWrittenFreesTheKey() {
        TokenSession session = start();
        endpoint.thenFail(ScriptedEndpoint.invalidGrant());
        broken = new IllegalStateException("The table cannot be written");
        assertThat(ask(session.refresh())).containsExactly("LoginRequiredException");
        broken = null;
        session.renew(endpoint.grant()).block(Duration.ZERO);
        assertThat(ask(session.refresh())).singleElement().asString().startsWith("access-");
    }

    @Test
    void aLoginInTheMillisecondOfASignOutIsLaterThanTheSignOut() {
        Instant now = Instant.parse("2030-01-01T00:00:00.000999Z");
        TokenStore memory = TokenStore.inMemory(() -> now);
        for (int i = 0; i < 10; i++) { // the ids of logins are random
            TokenSession session =
                    builder().store(memory, USER).start(endpoint.grant()).block(Duration.ZERO);
            assertThat(session).isNotNull();
            session.signOut().block(Duration.ZERO);
            assertThat(stored(memory, USER)).isNull();
        }
    }

    @Test
    @Tag("B99")
    void aRefusedGrantAsksForALoginOnceThoughTheStoreReportsItToo() {
        AtomicInteger logins = new AtomicInteger();
        TokenSession session = builder()
                .store(store, USER)
                .onLoginRequired(reason -> {
                    logins.incrementAndGet();
                    return Mono.error(new IllegalStateException("The user has closed the browser"));
                })
                .start(endpoint.grant())
                .block(Duration.ZERO);
        List<SessionEvent> events = events(session);
        session.tokensUntilClosed().subscribe();
        endpoint.thenFail(ScriptedEndpoint.invalidGrant());
        ask(session.refresh());
        clock.advance(Duration.ofMinutes(5)); // looks at the store every 30 seconds
        assertThat(logins).hasValue(1);
        assertThat(events.stream().filter(SessionEvent.LoginRequired.class::isInstance))
                .hasSizeLessThanOrEqualTo(2);
    }

    @Test
    void aHintThatEndsTheLastSubscriptionEndsTheHintsToo() {
        Sinks.Many<String> hints = Sinks.many().multicast().directBestEffort();
        AtomicInteger followers = new AtomicInteger();
        TokenStore memory = TokenStore.inMemory(clock);
        ForwardingStore hinting = new ForwardingStore(memory) {
            @Override
            public Flux<String> changes() {
                return Flux.defer(() -> hints.asFlux().startWith(ANY_KEY))
                        .doOnSubscribe(subscription -> followers.incrementAndGet())
                        .doFinally(signal -> followers.decrementAndGet());
            }
        };
        TokenSession session =
                builder().store(hinting, USER).start(endpoint.grant()).block(Duration.ZERO);
        session.tokens().take(1).subscribe();
        assertThat(followers).hasValue(0);
        builder().keepAlive().store(hinting, "bob").start(endpoint.grant()).block(Duration.ZERO);
        assertThat(followers).hasValue(1);
    }

    /** Store that passes everything on. */
    private abstract static class ForwardingStore implements TokenStore {

        private final TokenStore actual;

        ForwardingStore(TokenStore actual) {
            this.actual = actual;
        }

        @Override
        public Mono<Entry> load(String key) {
            return actual.load(key);
        }

        @Override
        public Mono<Acquired> acquire(String key, String owner, Version view, Duration lease) {
            return actual.acquire(key, owner, view, lease);
        }

        @Override
        public Mono<Acquired> extend(String key, String owner, long attempt, Duration lease) {
            return actual.extend(key, owner, attempt, lease);
        }

        @Override
        public Mono<Entry> put(String key, Record next, Kind kind, String owner, long attempt) {
            return actual.put(key, next, kind, owner, attempt);
        }

        @Override
        public Mono<Void> release(String key, String owner, long attempt, Duration pause, boolean sent) {
            return actual.release(key, owner, attempt, pause, sent);
        }
    }
}
