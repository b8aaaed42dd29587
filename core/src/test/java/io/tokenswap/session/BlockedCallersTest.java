package io.tokenswap.session;

import static org.assertj.core.api.Assertions.assertThat;

import io.tokenswap.AuthorizationCode;
import io.tokenswap.OAuthErrorException;
import io.tokenswap.RefreshToken;
import io.tokenswap.Token;
import io.tokenswap.TokenEndpoint;
import io.tokenswap.TokenSwapException;
import io.tokenswap.TokenUnavailableException;
import io.tokenswap.http.ExchangeServerEndpoint;
import io.tokenswap.testing.RawServer;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;
import reactor.netty.http.client.HttpClient;
import reactor.netty.resources.LoopResources;

/** Code of the application that blocks: it harms itself only. */
@Timeout(120)
class BlockedCallersTest {

    private static final Duration LONG = Duration.ofDays(1);

    /** More than the threads that run while nothing blocks, and more than the refreshes in flight. */
    private static final int MANY = 150;

    private final CountDownLatch released = new CountDownLatch(1);
    private final List<TokenSession> sessions = new ArrayList<>();
    private final Scheduler eventLoop = oneThread("event-loop");
    private final Endpoint endpoint = new Endpoint();

    @AfterEach
    void release() {
        released.countDown();
        sessions.forEach(TokenSession::dispose);
        eventLoop.dispose();
    }

    /** A thread like those of a foreign library, on which BlockHound lets code block. */
    private static Scheduler oneThread(String name) {
        return Schedulers.newSingle(task -> {
            Thread thread = new Thread(task, name);
            thread.setDaemon(true);
            return thread;
        });
    }

    /** Responds on one thread for all sessions, as an event loop does. */
    private final class Endpoint implements TokenEndpoint {

        private final AtomicInteger granted = new AtomicInteger();
        private volatile Duration lifetime = LONG;
        private volatile boolean blocks;
        private volatile CountDownLatch asked = new CountDownLatch(1);
        private volatile Mono<Void> responding = Mono.empty();
        private volatile @Nullable TokenSwapException failure;

        Token grant(Duration lifetime) {
            Instant now = Instant.now();
            int number = granted.incrementAndGet();
            return Token.builder("access-" + number, now)
                    .refreshToken("refresh-" + number)
                    .expiresAt(now.plus(lifetime))
                    .build();
        }

        @Override
        public Mono<Token> swap(AuthorizationCode code) {
            return Mono.error(new UnsupportedOperationException());
        }

        @Override
        public Mono<Token> refresh(RefreshToken presented) {
            if (blocks) {
                asked.countDown();
                block();
            }
            return responding
                    .then(Mono.defer(() -> failure == null ? Mono.just(grant(lifetime)) : Mono.error(failure)))
                    .publishOn(eventLoop);
        }

        @Override
        public Duration timeout() {
            return Duration.ofMillis(blocks ? 100 : 15_000);
        }
    }

    private void block() {
        try {
            released.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private TokenSession expired(TokenSession.Builder builder) {
        TokenSession session = builder.build(endpoint.grant(Duration.ZERO));
        sessions.add(session);
        return session;
    }

    private enum Foreign {
        CALLER,
        REFRESHER,
        SUBSCRIBER,
        OBSERVER_OF_STATES,
        LISTENER;

        void block(TokenSession session, CountDownLatch blocked, Runnable block) {
            Runnable call = () -> {
                blocked.countDown();
                block.run();
            };
            switch (this) {
                case CALLER -> session.token().subscribe(token -> call.run());
                case REFRESHER -> session.refresh().subscribe(token -> call.run());
                case SUBSCRIBER -> session.tokens().subscribe(token -> call.run());
                case OBSERVER_OF_STATES -> session.states().skip(1).subscribe(state -> call.run());
                case LISTENER -> session.events().subscribe(event -> call.run());
            }
        }
    }

    @ParameterizedTest
    @Tag("E11")
    @EnumSource(Foreign.class)
    void aHundredAndFiftyThatBlockDelayNoOtherCallerAndNoSchedule(Foreign foreign) {
        TokenSession.Builder builder = TokenSession.builder(endpoint);
        CountDownLatch blocked = new CountDownLatch(MANY);
        Sinks.Empty<Void> response = Sinks.empty();
        endpoint.responding = response.asMono();
        List<Mono<Token>> others = new ArrayList<>();
        for (int i = 0; i < MANY; i++) {
            TokenSession session = expired(builder);
            foreign.block(session, blocked, this::block);
            others.add(Mono.fromFuture(session.token().toFuture()));
        }
        response.tryEmitEmpty();
        for (Mono<Token> other : others) {
            assertThat(other.block()).isNotNull();
        }
        await(blocked);
        endpoint.lifetime = Duration.ofSeconds(2);
        assertThat(expired(builder).tokens().take(3).collectList().block()).hasSize(3);
    }

    @Test
    @Tag("E11")
    void endpointsThatBlockDelayNoOtherSessionThatIsDueAtTheSameTime() {
        Endpoint blocking = new Endpoint();
        blocking.blocks = true;
        List<Mono<Token>> others = new ArrayList<>();
        for (int i = 0; i < MANY; i++) {
            expired(TokenSession.builder(blocking)).tokens().subscribe(token -> {}, error -> {});
            others.add(Mono.fromFuture(
                    expired(TokenSession.builder(endpoint)).tokens().next().toFuture()));
        }
        for (Mono<Token> other : others) {
            assertThat(other.block()).isNotNull();
        }
    }

    @Test
    @Tag("E11")
    void hooksForALoginThatBlockStopNoOtherSession() {
        CountDownLatch blocked = new CountDownLatch(MANY);
        TokenSession.Builder builder = TokenSession.builder(endpoint).onLoginRequired(reason -> {
            blocked.countDown();
            block();
            return Mono.empty();
        });
        for (int i = 0; i < MANY; i++) {
            sessions.add(builder.build(Token.builder("access", Instant.EPOCH)
                    .expiresAt(Instant.EPOCH)
                    .build()));
            sessions.get(i).token().subscribe(token -> {}, error -> {});
        }
        await(blocked);
        assertThat(expired(builder).token().block()).isNotNull();
    }

    private static void await(CountDownLatch latch) {
        try {
            assertThat(latch.await(60, TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @ParameterizedTest
    @Tag("E11")
    @ValueSource(booleans = {true, false})
    void ofManyWhoWaitTogetherThoseThatBlockDelayNoOther(boolean callers) {
        Sinks.Empty<Void> response = Sinks.empty();
        endpoint.responding = response.asMono();
        TokenSession session = expired(TokenSession.builder(endpoint));
        CountDownLatch served = new CountDownLatch(2 * MANY);
        for (int i = 0; i < 2 * MANY; i++) {
            boolean blocks = i % 2 == 0;
            (callers ? session.token().flux() : session.tokens()).subscribe(token -> {
                served.countDown();
                if (blocks) {
                    block();
                }
            });
        }
        response.tryEmitEmpty();
        await(served);
    }

    @Test
    @Tag("E11")
    void anEndpointThatBlocksEndsAtItsDeadlineAndStopsNoOtherSession() {
        endpoint.blocks = true;
        TokenSession.Builder builder = TokenSession.builder(endpoint);
        List<Mono<Token>> waiting = new ArrayList<>();
        for (int i = 0; i < MANY; i++) {
            waiting.add(Mono.fromFuture(expired(builder).token().toFuture()));
        }
        for (Mono<Token> caller : waiting) {
            assertThat(caller.onErrorComplete(TokenUnavailableException.class).block())
                    .isNull();
        }
        endpoint.blocks = false;
        assertThat(expired(builder).token().block()).isNotNull();
    }

    @Test
    @Tag("E11")
    void aSubscriberThatBlocksStopsNoRequestOnTheEventLoopOfItsSession() {
        LoopResources loop = LoopResources.create("one-event-loop", 1, true);
        String json = "{\"access_token\":\"canary-access\",\"expires_in\":3600}";
        RawServer server = RawServer.playing(connection -> {
            while (true) {
                connection.request();
                connection.write("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " + json.length()
                        + "\r\n\r\n" + json);
            }
        });
        try {
            TokenSession.Builder builder = TokenSession.builder(ExchangeServerEndpoint.builder(server.uri())
                    .httpClient(HttpClient.create().runOn(loop))
                    .build());
            for (Foreign foreign : List.of(Foreign.SUBSCRIBER, Foreign.LISTENER)) {
                CountDownLatch blocked = new CountDownLatch(1);
                Queue<String> threads = new ConcurrentLinkedQueue<>();
                foreign.block(expired(builder), blocked, () -> {
                    threads.add(Thread.currentThread().getName());
                    block();
                });
                sessions.get(sessions.size() - 1).token().subscribe();
                await(blocked);
                assertThat(expired(builder).token().block()).isNotNull();
                assertThat(threads).noneMatch(name -> name.startsWith("one-event-loop"));
            }
        } finally {
            released.countDown();
            server.dispose();
            loop.disposeLater(Duration.ZERO, Duration.ofSeconds(5)).block();
        }
    }

    /** Passes operations on to a store in memory, and responds on one thread for all of them. */
    private final class ForeignStore implements InvocationHandler {

        private final TokenStore store = TokenStore.inMemory();
        private final TokenStore proxy = (TokenStore)
                Proxy.newProxyInstance(TokenStore.class.getClassLoader(), new Class<?>[] {TokenStore.class}, this);
        private final Scheduler thread = oneThread("store");
        private final Queue<String> calls = new ConcurrentLinkedQueue<>();
        private final CountDownLatch blocked = new CountDownLatch(1);

        /** The operation that blocks its thread. */
        private volatile String blocks = "";

        /** Leases that are refused as if another node had them. */
        private final AtomicInteger busy = new AtomicInteger();

        @Override
        public @Nullable Object invoke(Object self, Method method, Object @Nullable [] arguments) throws Throwable {
            if (method.getReturnType() != Mono.class) {
                return method.invoke(store, arguments);
            }
            return Mono.defer(() -> {
                        calls.add(method.getName() + " on "
                                + Thread.currentThread().getName());
                        if (method.getName().equals(blocks)) {
                            blocked.countDown();
                            block();
                        }
                        if (method.getName().equals("acquire") && busy.getAndDecrement() > 0) {
                            return store.load((String) Objects.requireNonNull(arguments)[0])
                                    .map(entry -> TokenStore.Acquired.busy(
                                            Objects.requireNonNull(entry.record()), entry.now(), LONG));
                        }
                        try {
                            return (Mono<?>) method.invoke(store, arguments);
                        } catch (ReflectiveOperationException e) {
                            throw new IllegalStateException(e);
                        }
                    })
                    .publishOn(thread);
        }

        TokenSession session() {
            Token expired = endpoint.grant(Duration.ZERO);
            TokenSession session = TokenSession.builder(endpoint)
                    .store(proxy, "user")
                    .start(expired)
                    .block();
            sessions.add(session);
            calls.clear();
            return session;
        }
    }

    private enum AfterResponse {
        SAVE("put", null),
        RELEASE("release", TokenRequests.unavailable("not sent", TokenUnavailableException.Reason.NOT_SENT, null)),
        MARK_AS_DEAD("put", new OAuthErrorException("invalid_grant", null, 400));

        private final String operation;
        private final @Nullable TokenSwapException failure;

        AfterResponse(String operation, @Nullable TokenSwapException failure) {
            this.operation = operation;
            this.failure = failure;
        }
    }

    @ParameterizedTest
    @Tag("E11")
    @EnumSource(AfterResponse.class)
    void aStoreThatBlocksAfterTheResponseStopsNoRequestOnTheEventLoopOfItsSession(AfterResponse then) {
        ForeignStore store = new ForeignStore();
        TokenSession session = store.session();
        store.blocks = then.operation;
        endpoint.failure = then.failure;
        session.token().subscribe(token -> {}, error -> {});
        await(store.blocked);
        endpoint.failure = null;
        assertThat(expired(TokenSession.builder(endpoint)).token().block()).isNotNull();
        released.countDown();
        store.thread.dispose();
    }

    @Test
    @Tag("E11")
    void aStoreIsNeverCalledOnAThreadOfTimers() {
        ForeignStore store = new ForeignStore();
        TokenSession session = store.session();
        store.busy.set(2);
        assertThat(session.token().block()).isNotNull();
        assertThat(store.calls)
                .hasSizeGreaterThanOrEqualTo(3)
                .allMatch(call -> call.contains(" on tokenswap-call-"), "on a thread for calls");
        store.thread.dispose();
    }

    @Test
    @Tag("E11")
    void anEndpointThatBlocksStopsNoOperationOnTheThreadOfTheStore() {
        ForeignStore store = new ForeignStore();
        TokenSession session = store.session();
        CountDownLatch asked = new CountDownLatch(1);
        endpoint.blocks = true;
        endpoint.asked = asked;
        session.token().subscribe(token -> {}, error -> {});
        await(asked);
        assertThat(Mono.just("other").publishOn(store.thread).block()).isEqualTo("other");
        released.countDown();
        store.thread.dispose();
    }

    @Test
    @Tag("E11")
    void whatIsToldOfALimitRunsOnNoThreadOfTimers() {
        Queue<String> threads = new ConcurrentLinkedQueue<>();
        CountDownLatch cancelled = new CountDownLatch(1);
        SessionSettings settings = ((DefaultTokenSession) expired(TokenSession.builder(endpoint))).settings();
        Mono<Token> never = Mono.<Token>never().doOnCancel(() -> {
            threads.add(Thread.currentThread().getName());
            cancelled.countDown();
        });
        AttemptLimit.apply(never, Duration.ofMillis(20), settings)
                .doOnError(late -> threads.add(Thread.currentThread().getName()))
                .onErrorComplete()
                .block();
        await(cancelled);
        assertThat(threads).hasSize(2).allMatch(name -> name.startsWith("tokenswap-call-"));
    }

    /** In virtual time, where one thread does everything in its order. */
    @Nested
    class OwnEffectsFirst extends SessionFixture {

        @Test
        @Tag("E11")
        void theTimerThenCallersThenSubscribersThenListeners() {
            TokenSession session = session();
            List<String> order = new ArrayList<>();
            session.events().subscribe(event -> order.add(event.name() + ", timers: " + clock.timers()));
            session.tokens().skip(1).subscribe(token -> order.add("subscriber, timers: " + clock.timers()));
            var response = heldResponse();
            session.invalidate(session.token().block(Duration.ZERO));
            order.clear();
            session.token().subscribe(token -> order.add("caller, timers: " + clock.timers()));
            response.tryEmitValue(endpoint.grant());
            assertThat(order).containsExactly("caller, timers: 1", "subscriber, timers: 1", "refreshed, timers: 1");
        }
    }
}
