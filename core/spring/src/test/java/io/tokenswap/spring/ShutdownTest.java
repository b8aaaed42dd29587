package io.tokenswap.spring;

import static org.assertj.core.api.Assertions.assertThat;

import io.tokenswap.Token;
import io.tokenswap.session.SessionEvent;
import io.tokenswap.session.TokenSession;
import io.tokenswap.session.TokenSessions;
import io.tokenswap.session.TokenStore;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.DisposableBean;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/** A service that stops while a token is not saved yet. */
@Tag("E55")
class ShutdownTest {

    private static final Duration TIMEOUT = Duration.ofSeconds(60);

    private final FakeProvider provider = new FakeProvider();
    private final TestBrowser browser = new TestBrowser();
    private TestService.Running service;
    private SlowStore store;
    private TokenSession session;

    @BeforeEach
    void signIn() {
        service = TestService.start(provider, new Class<?>[] {TestService.class, Store.class});
        store = service.context().getBean(SlowStore.class);
        browser.open(service.uri("/login"));
        session = Objects.requireNonNull(
                service.context().getBean(TokenSessions.class).get(user()).block());
    }

    @AfterEach
    void stop() {
        service.close();
        provider.close();
    }

    private String user() {
        return CookieUsers.key(browser.cookie("tokenswap-user"));
    }

    private void assertThatTheStoreHas(String refreshToken) {
        Token stored = Objects.requireNonNull(store.stored(TokenStore.key(user())));
        assertThat(Objects.requireNonNull(stored.refreshToken()).secret()).isEqualTo(refreshToken);
    }

    @Test
    void waitsForASaveThatTakesLong() {
        assertThatTheStoreHas("refresh-2");
        Mono<Void> putBegins = store.takesLongFromNowOn();
        session.refresh().subscribe(token -> {}, error -> {});
        putBegins.block(TIMEOUT);

        service.close();

        assertThatTheStoreHas("refresh-3");
    }

    @Test
    void triesAgainWhatTheStoreHasRefused() {
        store.fails = true;
        Mono<SessionEvent> failure = session.events()
                .filter(event -> event instanceof SessionEvent.StoreFailed)
                .next()
                .cache();
        failure.subscribe();
        session.renew(token("refresh-of-a-new-login")).subscribe(saved -> {}, error -> {});
        failure.block(TIMEOUT);
        store.takesLongFromNowOn();
        store.fails = false;

        service.close();

        assertThatTheStoreHas("refresh-of-a-new-login");
    }

    @Test
    void waitsForARefreshInFlightAndSavesItsToken() {
        Sinks.Empty<Void> response = Sinks.empty();
        Sinks.Empty<Void> asked = Sinks.empty();
        provider.refreshGate = Mono.defer(() -> {
            asked.tryEmitEmpty();
            return response.asMono();
        });
        session.refresh().subscribe(token -> {}, error -> {});
        asked.asMono().block(TIMEOUT);
        store.takesLongFromNowOn();

        CompletableFuture<Void> stopped = CompletableFuture.runAsync(service::close);
        session.states().blockLast(TIMEOUT);
        response.tryEmitEmpty();
        stopped.join();

        assertThatTheStoreHas("refresh-3");
    }

    @Test
    void doesNotWaitForAStoreThatIsGoneForLongerThanThePhaseMayTake() {
        try (TestService.Running impatient = TestService.start(
                provider,
                new Class<?>[] {TestService.class, Store.class},
                "spring.lifecycle.timeout-per-shutdown-phase=100ms")) {
            SlowStore gone = impatient.context().getBean(SlowStore.class);
            TokenSession unsaved = Objects.requireNonNull(impatient
                    .context()
                    .getBean(TokenSessions.class)
                    .signIn("alice", token("refresh-1"))
                    .block());
            Mono<Void> putBegins = gone.neverRespondsFromNowOn();
            unsaved.refresh().subscribe(token -> {}, error -> {});
            putBegins.block(TIMEOUT);
        } // the test ends
    }

    private static Token token(String refreshToken) {
        return Token.builder("access", Instant.now()).refreshToken(refreshToken).build();
    }

    @Configuration(proxyBeanMethods = false)
    static class Store {

        @Bean
        SlowStore store() {
            return new SlowStore();
        }
    }

    /** A store that takes half a second for each write from some time on. When it is closed, what is being written is lost. */
    static final class SlowStore implements TokenStore, DisposableBean {

        private static final Duration SLOW = Duration.ofMillis(500);

        private final TokenStore records = TokenStore.inMemory();
        private volatile Sinks.Empty<Void> put = Sinks.empty();
        private volatile Mono<?> duration = Mono.empty();
        private volatile boolean fails;
        private volatile boolean closed;

        /** Completes when the next write has begun. */
        Mono<Void> takesLongFromNowOn() {
            put = Sinks.empty();
            duration = Mono.delay(SLOW);
            return put.asMono();
        }

        Mono<Void> neverRespondsFromNowOn() {
            put = Sinks.empty();
            duration = Mono.never();
            return put.asMono();
        }

        @Nullable Token stored(String key) {
            Record record = Objects.requireNonNull(records.load(key).block()).record();
            return record == null ? null : record.token();
        }

        @Override
        public Mono<Entry> put(String key, Record next, Kind kind, String owner, long attempt) {
            return Mono.defer(() -> {
                if (fails) {
                    return Mono.error(new IOException("full"));
                }
                Mono<?> time = duration;
                put.tryEmitEmpty();
                return time.then(Mono.defer(() ->
                        closed ? Mono.error(new IOException("closed")) : records.put(key, next, kind, owner, attempt)));
            });
        }

        @Override
        public Mono<Entry> load(String key) {
            return records.load(key);
        }

        @Override
        public Mono<Acquired> acquire(String key, String owner, Version view, Duration lease) {
            return records.acquire(key, owner, view, lease);
        }

        @Override
        public Mono<Acquired> extend(String key, String owner, long attempt, Duration lease) {
            return records.extend(key, owner, attempt, lease);
        }

        @Override
        public Mono<Void> release(String key, String owner, long attempt, Duration pause, boolean sent) {
            return records.release(key, owner, attempt, pause, sent);
        }

        @Override
        public Flux<String> changes() {
            return records.changes();
        }

        @Override
        public void destroy() {
            closed = true;
        }
    }
}
