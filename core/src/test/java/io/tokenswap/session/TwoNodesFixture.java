package io.tokenswap.session;

import static org.assertj.core.api.Assertions.assertThat;

import io.tokenswap.Token;
import io.tokenswap.session.Cluster.Node;
import io.tokenswap.session.SessionState.Status;
import io.tokenswap.testing.RotatingProvider.Presentation;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** Two nodes, one store, and a provider that replaces refresh tokens. */
abstract class TwoNodesFixture {

    static final String ALICE = "alice";
    static final Duration TO_REFRESH = Duration.ofMinutes(55);
    static final Duration TO_STALE = Duration.ofHours(1).minusSeconds(10);
    static final Duration SECOND = Duration.ofSeconds(1);

    final Cluster cluster = new Cluster();
    final Node a = cluster.node("a");
    final Node b = cluster.node("b");

    TwoNodesFixture() {
        cluster.policy = RefreshPolicy.builder().jitter(Duration.ZERO).build();
    }

    void advance(Duration time) {
        cluster.advance(time);
    }

    /** Both nodes have a subscriber, so both are due at the same time; the first is a. */
    void startBoth() {
        a.start(ALICE);
        subscribe(a);
        b.restore(ALICE);
        subscribe(b);
    }

    void subscribe(Node node) {
        node.session(ALICE).tokensUntilClosed().subscribe();
        advance(Duration.ZERO);
    }

    Status status(Node node) {
        return node.session(ALICE).state().status();
    }

    List<String> token(Node node) {
        return node.ask(node.session(ALICE).token());
    }

    List<String> presented() {
        return cluster.provider.presentations().stream()
                .map(Presentation::refreshToken)
                .toList();
    }

    TokenStore.Record stored() {
        TokenStore.Record record = cluster.record(ALICE);
        assertThat(record).isNotNull();
        return record;
    }

    @Nullable String storedToken() {
        Token token = stored().token();
        return token == null ? null : cluster.name(token);
    }

    /** The outcome of an operation by and by: "done" or the name of an error. */
    List<String> outcome(Mono<?> operation) {
        List<String> seen = new ArrayList<>();
        operation.subscribe(value -> {}, error -> seen.add(error.getClass().getSimpleName()), () -> seen.add("done"));
        advance(Duration.ZERO);
        return seen;
    }
}
