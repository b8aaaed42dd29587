package io.tokenswap.session;

import io.tokenswap.Token;
import io.tokenswap.session.Cluster.Node;
import io.tokenswap.session.StoreNode.Command;
import io.tokenswap.session.StoreNode.Wait;
import io.tokenswap.session.StoreRun.Mode;
import io.tokenswap.testing.RotatingProvider.Presentation;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** What has happened in a run so far: nodes, faults, commands and tokens, and the first violation. */
final class StoreHistory {

    static final List<String> USERS = List.of("alice", "bob");

    /** The error of the store's clock about a login: as long as a request to it may take. */
    static final Duration SAME_TIME = RecordStore.LIMIT.plusSeconds(1);

    static final String WRITES_FAIL = "writes fail";
    static final String THROTTLED = "throttled for ";

    final Mode mode;
    final Random random;
    final Cluster cluster = new Cluster();
    final Duration grace;
    final boolean rotates;
    final Duration lifetime;

    /** How far the clock of a node may be from the store's, in milliseconds. */
    final int widestSkew;

    final List<StoreNode> slots = new ArrayList<>();
    final List<Node> nodes = new ArrayList<>();
    final Map<String, StoreNode> slotOf = new HashMap<>();
    final Map<String, Token> tokenOf = new HashMap<>();
    final Map<String, Set<String>> saved = new HashMap<>();
    final List<Trouble> troubles = new ArrayList<>();
    final List<Command> commands = new ArrayList<>();
    final List<Wait> waits = new ArrayList<>();
    final List<Received> received = new ArrayList<>();
    final Map<TokenStore.Version, String> refreshTokens = new HashMap<>();

    /** Users of a provider that does not rotate, whose token was refreshed without a lease and so without a place in an order. */
    final Set<String> presentedAlone = new HashSet<>();

    final Map<String, Instant> demanded = new HashMap<>();
    final Map<String, TokenStore.Version> greatest = new TreeMap<>();
    private @Nullable String violation;

    StoreHistory(long seed, Mode mode) {
        this.mode = mode;
        this.random = new Random(seed * 7_919 + 17);
        this.grace = random.nextBoolean() ? Duration.ZERO : Duration.ofSeconds(30);
        this.rotates = mode == Mode.SINGLE_FAULT || random.nextInt(8) > 0;
        this.lifetime = List.of(Duration.ofMinutes(5), Duration.ofMinutes(10), Duration.ofHours(1))
                .get(random.nextInt(3));
        cluster.grace(grace);
        cluster.provider.lifetime(lifetime);
        if (!rotates) {
            cluster.provider.keepsRefreshTokens();
            cluster.engine.rotates(random.nextBoolean() ? TokenStore.Rotates.NO : TokenStore.Rotates.LEARN);
        } else {
            cluster.engine.rotates(random.nextBoolean() ? TokenStore.Rotates.YES : TokenStore.Rotates.LEARN);
        }
        if (random.nextBoolean()) {
            cluster.provider.repeatsSuccessor();
        }
        if (random.nextInt(3) == 0) {
            cluster.provider.toleratesReuse();
        }
        this.widestSkew = mode == Mode.SINGLE_FAULT || random.nextInt(3) > 0 ? 0 : 45_000;
        cluster.random = random::nextDouble;
        cluster.ids = Cluster.ids(new Random(seed));
    }

    @Nullable String violation() {
        return violation;
    }

    Trouble trouble(String kind, @Nullable String node, Duration time) {
        cluster.log((node == null ? "" : node + ": ") + kind + (time.isZero() ? "" : " for " + time));
        Trouble trouble = new Trouble(
                kind, node, cluster.clock.instant(), cluster.clock.instant().plus(time));
        troubles.add(trouble);
        return trouble;
    }

    void violate(String what) {
        if (violation == null) {
            violation = what;
            cluster.log("VIOLATION " + what);
        }
    }

    void violate(Throwable thrown) {
        StringWriter trace = new StringWriter();
        thrown.printStackTrace(new PrintWriter(trace));
        violate("thrown: " + trace);
    }

    List<Presentation> presentations(String refreshToken) {
        return cluster.provider.presentations().stream()
                .filter(p -> p.refreshToken().equals(refreshToken))
                .toList();
    }

    record Received(Node node, Token token, Instant at) {}

    record Trouble(String kind, @Nullable String node, Instant start, Instant end) {}
}
