package io.tokenswap.session;

import static org.assertj.core.api.Assertions.assertThat;

import io.tokenswap.AuthorizationCode;
import io.tokenswap.OAuthErrorException;
import io.tokenswap.RefreshToken;
import io.tokenswap.Token;
import io.tokenswap.TokenEndpoint;
import io.tokenswap.TokenUnavailableException;
import io.tokenswap.testing.VirtualClock;
import java.lang.management.ManagementFactory;
import java.lang.ref.WeakReference;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/** Many refreshes, many sessions, many callers: what they cost does not grow. */
class SessionLoadTest {

    private final VirtualClock clock = new VirtualClock();
    private final Granting endpoint = new Granting();

    private TokenSession.Builder builder() {
        return TokenSession.builder(endpoint).clock(clock).scheduler(clock.scheduler());
    }

    /** Megabytes of live heap, by the smallest of a few looks. */
    private static long heap() {
        long least = Long.MAX_VALUE;
        for (int look = 0; look < 4; look++) {
            System.gc();
            least = Math.min(
                    least,
                    ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed());
        }
        return least >> 20;
    }

    /** Tests before this one leave threads that come and go; a thread for each session or refresh would be thousands. */
    private static final int FEW = 16;

    private static int threads() {
        return ManagementFactory.getThreadMXBean().getThreadCount();
    }

    @Test
    void manyRefreshesLeaveHeapThreadsAndTimersFlat() {
        TokenStore store = TokenStore.inMemory();
        TokenSession session =
                builder().store(store, "user").start(endpoint.grant()).block(Duration.ZERO);
        AtomicInteger received = new AtomicInteger();
        session.tokens().subscribe(token -> received.incrementAndGet());
        session.events().subscribe();
        refresh(session, 1_000);
        long heap = heap();
        int threads = threads();
        refresh(session, 100_000);
        assertThat(received).hasValue(101_001);
        assertThat(clock.timers()).isOne();
        assertThat(threads()).isLessThan(threads + FEW);
        assertThat(heap()).isLessThan(heap + 16);
    }

    /** Every tenth by its timer, the others by demand. */
    private void refresh(TokenSession session, int times) {
        for (int i = 0; i < times; i++) {
            if (i % 10 == 0) {
                clock.advance(Duration.ofHours(1));
            } else {
                session.refresh().subscribe();
            }
        }
    }

    @Test
    void manySessionsThatAreOpenedAndDisposedOfLeaveHeapThreadsAndTimersFlat() {
        open(500);
        long heap = heap();
        int threads = threads();
        WeakReference<TokenSession> last = open(10_000);
        assertThat(clock.timers()).isZero();
        assertThat(threads()).isLessThan(threads + FEW);
        assertThat(heap()).isLessThan(heap + 16);
        assertThat(last.get()).isNull();
    }

    /** Each is asleep, refreshing, paused or waiting for a save when its end comes. */
    private WeakReference<TokenSession> open(int sessions) {
        WeakReference<TokenSession> last = new WeakReference<>(null);
        TokenStore store = TokenStore.inMemory();
        for (int i = 0; i < sessions; i++) {
            TokenSession session =
                    builder().store(store, "user-" + i).start(endpoint.grant()).block(Duration.ZERO);
            session.tokens().subscribe();
            session.events().subscribe();
            endpoint.response = switch (i % 4) {
                case 0 -> Mono.never();
                case 1 ->
                    Mono.error(new TokenUnavailableException(
                            "reset", TokenUnavailableException.Reason.RESPONSE_LOST, null, null));
                default -> null;
            };
            session.refresh().subscribe(token -> {}, error -> {});
            endpoint.response = null;
            session.token().subscribe();
            session.dispose();
            last = new WeakReference<>(session);
        }
        clock.advance(Duration.ofMinutes(5)); // beyond the longest limit of a flight
        return last;
    }

    @Test
    @Tag("B83")
    void aHundredThousandUsersAreIndependentAndCostTwoKibibytesEachAndNothingWhenTheyAreGone() {
        int users = 100_000;
        TokenStore store = TokenStore.inMemory(clock);
        long before = heap();
        TokenSession[] sessions = new TokenSession[users];
        TokenSession.Builder builder = builder();
        for (int i = 0; i < users; i++) {
            sessions[i] =
                    builder.store(store, "user-" + i).start(endpoint.grant()).block(Duration.ZERO);
        }
        assertThat(heap() - before).isLessThan(2L * users >> 10);
        assertThat(clock.timers()).isZero();
        clock.advance(Duration.ofHours(1));
        endpoint.response = Mono.error(new OAuthErrorException("invalid_grant", null, 400));
        assertThat(sessions[7].token().onErrorComplete().block(Duration.ZERO)).isNull();
        endpoint.response = null;
        assertThat(sessions[7].state().status()).isEqualTo(SessionState.Status.LOGIN_REQUIRED);
        assertThat(endpoint.requests).hasValue(1);
        for (int i = 0; i < users; i++) {
            if (i != 7) {
                sessions[i].token().block(Duration.ZERO);
            }
        }
        assertThat(endpoint.requests).hasValue(users);
        for (int i = 0; i < users; i++) {
            sessions[i].signOut().block(Duration.ZERO);
            sessions[i] = null;
        }
        clock.advance(Duration.ofHours(25)); // a sign-out is remembered for a day
        for (int i = 0; i < users / 4 + 1; i++) { // each write removes a few records whose time has come
            builder.store(store, "another").start(endpoint.grant()).block(Duration.ZERO);
        }
        assertThat(heap() - before).isLessThan(8);
        assertThat(SessionFixture.stored(store, "user-8")).isNull();
    }

    @ParameterizedTest(name = "{0} expiries x {1} callers")
    @CsvSource({"20, 10000", "1000, 100"})
    void everyExpiryIsOneRefreshHoweverManyCallersFindIt(int expiries, int callers) {
        expire(expiries, callers);
    }

    @Test
    @Tag("stress")
    @Timeout(value = 15, unit = TimeUnit.MINUTES)
    void aThousandExpiriesAndTenThousandCallersAreAThousandRefreshes() {
        expire(1_000, 10_000);
    }

    private void expire(int expiries, int callers) {
        TokenSession session = builder().build(endpoint.grant());
        AtomicInteger served = new AtomicInteger();
        for (int expiry = 1; expiry <= expiries; expiry++) {
            clock.advance(Duration.ofHours(1));
            Sinks.One<Token> response = Sinks.one();
            endpoint.response = response.asMono();
            List<Disposable> cancelling = new ArrayList<>();
            for (int caller = 0; caller < callers; caller++) {
                Disposable waiting = session.token().subscribe(token -> served.incrementAndGet());
                if (caller % 10 == 0) { // the first of all among them
                    cancelling.add(waiting);
                }
            }
            cancelling.forEach(Disposable::dispose);
            response.tryEmitValue(endpoint.grant());
            assertThat(endpoint.requests).hasValue(expiry);
        }
        assertThat(served).hasValue(expiries * (callers - callers / 10));
    }

    /** Grants without keeping a record of it. */
    private final class Granting implements TokenEndpoint {

        private final AtomicInteger granted = new AtomicInteger();
        private final AtomicInteger requests = new AtomicInteger();
        private Mono<Token> response;

        Token grant() {
            int number = granted.incrementAndGet();
            Instant now = clock.instant();
            return Token.builder("access-" + number, now)
                    .refreshToken("refresh-" + number)
                    .expiresAt(now.plusSeconds(3_600))
                    .build();
        }

        @Override
        public Mono<Token> swap(AuthorizationCode code) {
            return Mono.error(new UnsupportedOperationException());
        }

        @Override
        public Mono<Token> refresh(RefreshToken token) {
            requests.incrementAndGet();
            return response == null ? Mono.fromSupplier(this::grant) : response;
        }
    }
}
