package io.tokenswap.session;

import static org.assertj.core.api.Assertions.assertThat;

import io.tokenswap.AuthorizationCode;
import io.tokenswap.LoginRequiredException;
import io.tokenswap.OAuthErrorException;
import io.tokenswap.RefreshToken;
import io.tokenswap.SessionClosedException;
import io.tokenswap.Token;
import io.tokenswap.TokenEndpoint;
import io.tokenswap.TokenUnavailableException;
import io.tokenswap.testing.ReferenceStore;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/**
 * Two nodes with two users on one store, on real threads: callers, refused tokens, sign-ins and sign-outs all at once.
 * Nothing fails, so each refresh token is presented once, no user gets the token of another, and all agree on the last
 * sign-in.
 */
class StoreStormTest {

    private static final List<String> USERS = List.of("alice", "bob");
    private static final Duration TIMEOUT = Duration.ofSeconds(30);
    private static final int THREADS = 6;
    private static final int STEPS = 25;

    private final ExecutorService threads = Executors.newFixedThreadPool(THREADS);

    @AfterEach
    void endThreads() {
        threads.shutdownNow();
    }

    @Test
    @Tag("E27")
    void nothingIsLostOrCrossedWhenAllHappensAtOnce() throws Exception {
        storm(10);
    }

    @Test
    @Tag("stress")
    @Tag("E27")
    @Timeout(value = 30, unit = TimeUnit.MINUTES)
    void nothingIsLostOrCrossedWhenAllHappensAtOnceForLong() throws Exception {
        storm(300);
    }

    void storm(int rounds) throws Exception {
        for (int round = 0; round < rounds; round++) {
            new Round(round).run();
        }
    }

    /** A provider that rotates without grace and remembers each misuse. Its responses take up to two milliseconds. */
    private static final class Provider implements TokenEndpoint {

        private final AtomicInteger serial = new AtomicInteger();
        private final Set<String> unused = ConcurrentHashMap.newKeySet();
        private final Queue<String> reused = new ConcurrentLinkedQueue<>();

        @Override
        public Mono<Token> swap(AuthorizationCode code) {
            return Mono.error(new UnsupportedOperationException());
        }

        @Override
        public Mono<Token> refresh(RefreshToken presented) {
            return Mono.defer(() -> {
                if (!unused.remove(presented.secret())) {
                    reused.add(presented.secret());
                    return Mono.error(new OAuthErrorException("invalid_grant", "used", 400));
                }
                Token next =
                        issue(presented.secret().substring(0, presented.secret().lastIndexOf('-')));
                return Mono.delay(Duration.ofMillis(next.hashCode() & 1)).thenReturn(next);
            });
        }

        /** The first token of a login: "access-alice/3-17" is the seventeenth of all, and of the third login. */
        Token signIn(String user) {
            return issue("refresh-" + user + "/" + serial.incrementAndGet());
        }

        private Token issue(String login) {
            String name = login + "-" + serial.incrementAndGet();
            unused.add(name);
            Instant now = Instant.now();
            return Token.builder(name.replace("refresh", "access"), now)
                    .refreshToken(name)
                    .expiresAt(now.plus(Duration.ofHours(1)))
                    .build();
        }
    }

    private final class Round {

        private final int number;
        private final Provider provider = new Provider();
        private final ReferenceStore store = new ReferenceStore(InstantSource.system(), Schedulers.parallel());
        private final ReferenceStore.Connection toA = store.connect();
        private final ReferenceStore.Connection toB = store.connect();
        private final Map<String, TokenSession> sessions = new ConcurrentHashMap<>();
        private final Queue<TokenSession> all = new ConcurrentLinkedQueue<>();
        private final Queue<String> violations = new ConcurrentLinkedQueue<>();

        Round(int number) {
            this.number = number;
        }

        void run() throws Exception {
            for (String user : USERS) {
                opened("a" + user, builder("a", user).start(provider.signIn(user)));
                opened("b" + user, builder("b", user).restore());
            }
            List<? extends Future<?>> ends = IntStream.range(0, THREADS)
                    .mapToObj(thread -> threads.submit(() -> act(new Random(number * 31L + thread))))
                    .toList();
            for (Future<?> end : ends) {
                end.get(5, TimeUnit.MINUTES);
            }
            for (String user : USERS) {
                checkEnd(user);
            }
            assertThat(violations).isEmpty();
            assertThat(provider.reused).as("round " + number).isEmpty();
            all.forEach(TokenSession::dispose);
        }

        private void opened(String name, Mono<TokenSession> opening) {
            TokenSession session = opening.block(TIMEOUT);
            sessions.put(name, session);
            all.add(session);
            String user = name.substring(1);
            session.tokensUntilClosed().subscribe(token -> check(user, token), error -> {});
        }

        private void check(String user, Token token) {
            if (!token.accessToken().secret().startsWith("access-" + user)) {
                violations.add("a session of " + user + " hands out "
                        + token.accessToken().secret());
            }
        }

        private void act(Random random) {
            for (int step = 0; step < STEPS; step++) {
                String user = USERS.get(random.nextInt(USERS.size()));
                TokenSession session = sessions.get((random.nextBoolean() ? "a" : "b") + user);
                switch (random.nextInt(16)) {
                    case 15 -> replace(random.nextBoolean() ? "a" : "b", user);
                    case 0 -> done(session.renew(provider.signIn(user)));
                    case 1 -> session.renew(provider.signIn(user)).subscribe(nothing -> {}, error -> {});
                    case 2, 3, 4 -> done(session.refresh().doOnNext(token -> check(user, token)));
                    case 5, 6 -> done(session.token().doOnNext(session::invalidate));
                    default -> done(session.token().doOnNext(token -> check(user, token)));
                }
            }
        }

        /** The user signs out at one node, and in again at the same one. */
        private void replace(String node, String user) {
            done(sessions.get(node + user).signOut());
            try {
                opened(node + user, builder(node, user).start(provider.signIn(user)));
            } catch (LoginRequiredException expected) {
                // another thread has signed out once more meanwhile
            }
        }

        private TokenSession.Builder builder(String node, String user) {
            return TokenSession.builder(provider).store(node.equals("a") ? toA : toB, user);
        }

        private void done(Mono<?> operation) {
            try {
                operation.block(TIMEOUT);
            } catch (LoginRequiredException | SessionClosedException | TokenUnavailableException expected) {
                // for example while another thread's sign-in is being saved
            } catch (RuntimeException unexpected) {
                violations.add(unexpected.toString());
            }
        }

        /** The user signs out at one node and in again: both nodes follow. */
        private void checkEnd(String user) {
            sessions.get("a" + user).disposeLater().block(TIMEOUT);
            sessions.get("b" + user).disposeLater().block(TIMEOUT);
            opened("a" + user, builder("a", user).start(provider.signIn(user)));
            opened("b" + user, builder("b", user).restore());
            sessions.get("a" + user).signOut().block(TIMEOUT);
            assertThat(store.record(TokenStore.key(user)).state()).isEqualTo(TokenStore.State.OUT);
            Token last = provider.signIn(user);
            opened("a" + user, builder("a", user).start(last));
            String login = last.accessToken().secret().replaceAll("-[0-9]+$", "-");
            Set<String> seen = new HashSet<>();
            for (String node : List.of("a", "b")) {
                seen.add(sessions.get(node + user)
                        .tokensUntilClosed()
                        .map(token -> token.accessToken().secret())
                        .filter(name -> name.startsWith(login))
                        .next()
                        .timeout(
                                TIMEOUT,
                                Mono.fromSupplier(() -> "nothing of " + login + " but "
                                        + sessions.get(node + user).state() + ", stored "
                                        + store.record(TokenStore.key(user))))
                        .block());
            }
            assertThat(seen)
                    .containsExactly(store.record(TokenStore.key(user))
                            .token()
                            .accessToken()
                            .secret());
        }
    }
}
