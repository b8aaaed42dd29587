package io.tokenswap.session;

import static org.assertj.core.api.Assertions.assertThat;

import io.tokenswap.KeyRing;
import io.tokenswap.Token;
import io.tokenswap.session.SessionState.Status;
import io.tokenswap.session.TokenStore.State;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.publisher.Mono;

/** A stored record that cannot be read: nothing is lost by it, and the user can sign in and out. */
class UnreadableRecordTest extends SessionFixture {

    private static final String KEY = TokenStore.key("alice");
    private static final String OTHER_KEY_RING = TokenCodec.encode(
            KEY,
            TokenStore.Record.login(
                    java.time.Instant.EPOCH,
                    "f".repeat(32),
                    Token.builder("lost", java.time.Instant.EPOCH).build()),
            KeyRing.random());

    private final Map<String, String> table = new ConcurrentHashMap<>();
    private final TokenStore store = new OneProcessTokenStore(
            KeyRing.random(),
            key -> Mono.fromSupplier(() -> table.get(key)),
            (key, text) -> Mono.fromRunnable(() -> table.put(key, text)),
            key -> Mono.fromRunnable(() -> table.remove(key)),
            clock);

    private TokenSession.Builder alice() {
        return builder().store(store, "alice");
    }

    /** The outcome by and by: "done" or the message of an error. */
    private List<String> outcome(Mono<?> operation) {
        List<String> seen = new ArrayList<>();
        operation.subscribe(value -> {}, error -> seen.add(error.getMessage()), () -> seen.add("done"));
        clock.advance(Duration.ofSeconds(11));
        return seen;
    }

    private static void damage(Map<String, String> table, String kind) {
        table.put(KEY, kind.equals("sealed with an unknown key") ? OTHER_KEY_RING : "rubbish");
    }

    @ParameterizedTest
    @ValueSource(strings = {"rubbish", "sealed with an unknown key"})
    void isReplacedByASignIn(String kind) {
        damage(table, kind);
        Token token = endpoint.grant();
        assertThat(outcome(alice().start(token))).containsExactly("done");
        assertThat(stored(store, "alice")).isEqualTo(token);
    }

    @ParameterizedTest
    @ValueSource(strings = {"rubbish", "sealed with an unknown key"})
    void isNamedByARestoreWithTheRemedy(String kind) {
        damage(table, kind);
        assertThat(outcome(alice().restore()))
                .singleElement()
                .asString()
                .startsWith("The stored record ")
                .endsWith("A new sign-in of the user replaces the record.")
                .doesNotContain("reachable");
        assertThat(table).containsKey(KEY);
    }

    @ParameterizedTest
    @ValueSource(strings = {"rubbish", "sealed with an unknown key"})
    void endsNoSessionThatRuns(String kind) {
        TokenSession session = alice().start(endpoint.grant()).block(Duration.ZERO);
        List<String> seen = record(session);
        damage(table, kind);
        clock.advance(HOUR);
        assertThat(seen).containsExactly("access-1");
        assertThat(session.state().status()).isEqualTo(Status.RETRYING);
        assertThat(outcome(session.token()))
                .singleElement()
                .asString()
                .contains("A new sign-in of the user replaces the record.");
        assertThat(endpoint.refreshes()).isZero();

        assertThat(outcome(session.renew(endpoint.grant()))).containsExactly("done");
        assertThat(seen).containsExactly("access-1", "access-2");
        assertThat(stored(store, "alice").accessToken().secret()).isEqualTo("access-2");
    }

    @ParameterizedTest
    @ValueSource(strings = {"rubbish", "sealed with an unknown key"})
    void isReplacedByASignOut(String kind) {
        TokenSession session = alice().start(endpoint.grant()).block(Duration.ZERO);
        damage(table, kind);
        assertThat(outcome(session.signOut())).containsExactly("done");
        assertThat(store.load(KEY).block(Duration.ZERO).record().state()).isEqualTo(State.OUT);
        assertThat(table).doesNotContainKey(KEY);
    }

    /** It is good for others: this program alone cannot read it. */
    @Test
    void ofANewerReleaseIsLeftAloneByASignIn() {
        table.put(KEY, "{\"v\":2}");
        assertThat(outcome(alice().start(endpoint.grant())))
                .singleElement()
                .asString()
                .contains("Upgrade this program.");
        assertThat(table).containsEntry(KEY, "{\"v\":2}");
    }
}
