package io.tokenswap.session;

import io.tokenswap.RefreshToken;
import io.tokenswap.Token;
import io.tokenswap.TokenEndpoint;
import io.tokenswap.testing.PausableScheduler;
import io.tokenswap.testing.ReferenceStore;
import io.tokenswap.testing.RotatingProvider;
import io.tokenswap.testing.VirtualClock;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Consumer;
import java.util.function.DoubleSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * Nodes that share a store and a provider under virtual time. Each has its own sessions, its own clock and its own
 * connection.
 */
final class Cluster {

    static final Duration DEADLINE = Duration.ofSeconds(15);
    static final Duration LEASE = DEADLINE.plusSeconds(5);

    final VirtualClock clock = new VirtualClock();
    final ReferenceStore engine = new ReferenceStore(clock);
    final RotatingProvider provider = new RotatingProvider(clock);
    final List<String> story = new ArrayList<>();

    DoubleSupplier random = () -> 0;
    Supplier<String> ids = ids(new Random(0));
    RefreshPolicy policy = RefreshPolicy.defaults();

    /** Called before each presentation. */
    Presenter presenter = (node, refreshToken) -> {};

    interface Presenter {
        void presents(Node node, RefreshToken refreshToken);
    }

    /** Ids of logins and of nodes that are the same in each run. */
    static Supplier<String> ids(Random random) {
        return () ->
                HexFormat.of().toHexDigits(random.nextLong()) + HexFormat.of().toHexDigits(random.nextLong());
    }

    Cluster grace(Duration grace) {
        engine.grace(grace);
        provider.grace(grace);
        return this;
    }

    Node node(String name) {
        return node(name, Duration.ZERO);
    }

    Node node(String name, Duration skew) {
        return new Node(name, skew);
    }

    void advance(Duration duration) {
        clock.advance(duration);
    }

    /** Lets time pass in steps, as several callers do. */
    void advance(Duration duration, Duration step) {
        for (Duration left = duration; !left.isNegative() && !left.isZero(); left = left.minus(step)) {
            clock.advance(left.compareTo(step) < 0 ? left : step);
        }
    }

    TokenStore.@Nullable Record record(String user) {
        return engine.record(TokenStore.key(user));
    }

    void log(String event) {
        Duration time = Duration.between(Instant.parse("2030-01-01T00:00:00Z"), clock.instant());
        story.add("%9.3f  %s".formatted(time.toMillis() / 1e3, event));
    }

    /** The name of a token or of an error, for stories and assertions. */
    String name(Token token) {
        return provider.user(token) + " " + provider.login(token) + "/" + provider.serial(token);
    }

    /** One process. */
    final class Node {

        final String name;
        final PausableScheduler scheduler = new PausableScheduler(Cluster.this.clock.scheduler());
        final InstantSource clock;
        final ReferenceStore.Connection connection = engine.connect();
        final ObservedStore store;
        final Map<String, TokenSession> sessions = new HashMap<>();
        final TokenEndpoint endpoint;

        /** Called with each token that the node obtained by a refresh. */
        Consumer<Token> received = token -> {};

        private Node(String name, Duration skew) {
            this.name = name;
            this.clock = () -> Cluster.this.clock.instant().plus(skew);
            this.store = new ObservedStore(connection, scheduler, Cluster.this.clock);
            TokenEndpoint provided = provider.endpoint(name, clock, scheduler);
            this.endpoint = new TokenEndpoint() {
                @Override
                public Mono<Token> swap(io.tokenswap.AuthorizationCode code) {
                    return provided.swap(code);
                }

                @Override
                public Mono<Token> refresh(RefreshToken refreshToken) {
                    return Mono.defer(() -> {
                        presenter.presents(Node.this, refreshToken);
                        return store.unlessLost(provided.refresh(refreshToken), ObservedStore.PRESENT)
                                .doOnNext(token -> received.accept(token));
                    });
                }
            };
        }

        TokenSession.Builder builder(String user) {
            return TokenSession.builder(endpoint)
                    .policy(policy)
                    .clock(clock)
                    .scheduler(scheduler)
                    .random(random)
                    .ids(ids)
                    .store(store, user);
        }

        /** Signs the user in at the provider and starts a session with the token. */
        TokenSession start(String user) {
            return started(user, builder(user).start(provider.signIn(user, clock)));
        }

        /** Continues with the token that is stored. */
        TokenSession restore(String user) {
            return started(user, builder(user).restore());
        }

        private TokenSession started(String user, Mono<TokenSession> starting) {
            starting.subscribe(session -> sessions.put(user, session));
            Cluster.this.clock.advance(Duration.ZERO);
            TokenSession session = sessions.get(user);
            if (session == null) {
                throw new IllegalStateException("The session did not start");
            }
            return session;
        }

        TokenSession session(String user) {
            TokenSession session = sessions.get(user);
            if (session == null) {
                throw new IllegalStateException("No session of " + user + " at " + name);
            }
            return session;
        }

        /** What a caller gets by and by: the name of one token or of an error. */
        List<String> ask(Mono<Token> asked) {
            List<String> seen = new ArrayList<>();
            asked.subscribe(
                    token -> seen.add(name(token)),
                    error -> seen.add(error.getClass().getSimpleName()));
            Cluster.this.clock.advance(Duration.ZERO);
            return seen;
        }

        @Override
        public String toString() {
            return name;
        }
    }
}
