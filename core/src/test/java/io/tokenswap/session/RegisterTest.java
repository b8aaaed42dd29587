package io.tokenswap.session;

import static org.assertj.core.api.Assertions.assertThat;

import io.tokenswap.Token;
import io.tokenswap.session.TokenStore.Kind;
import io.tokenswap.session.TokenStore.Record;
import io.tokenswap.testing.ReferenceStore;
import io.tokenswap.testing.VirtualClock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import reactor.core.publisher.Mono;

/** A store keeps the record with the greatest version, whatever the order in which the writes arrive. */
class RegisterTest {

    private static final VirtualClock CLOCK = new VirtualClock();

    static Stream<TokenStore> stores() {
        return Stream.of(new ReferenceStore(CLOCK).connect(), TokenStore.inMemory(CLOCK));
    }

    /** Every write is repeated until its response arrives, so each occurs once more at the end. */
    @ParameterizedTest
    @MethodSource("stores")
    @Tag("D22")
    void allOrdersAndRepeatsOfTheSameWritesEndInTheSameRecord(TokenStore store) {
        Random random = new Random(22);
        for (int run = 0; run < 1_000; run++) {
            String key = TokenStore.key("user " + run);
            List<Write> writes = writes(random);
            Record first = writes.get(0).record;
            put(store, key, writes.get(0));
            Record greatest = writes.stream()
                    .filter(write -> write.kind != Kind.DEAD)
                    .map(Write::record)
                    .reduce(first, (one, other) -> one.version().compareTo(other.version()) >= 0 ? one : other);
            boolean refused = writes.stream()
                    .anyMatch(write ->
                            write.kind == Kind.DEAD && write.record.version().compareTo(greatest.version()) > 0);
            List<Write> order = new ArrayList<>(writes);
            for (int repeats = random.nextInt(writes.size()); repeats > 0; repeats--) {
                order.add(writes.get(random.nextInt(writes.size())));
            }
            Collections.shuffle(order, random);
            Collections.shuffle(writes, random);
            order.addAll(writes);
            order.forEach(write -> put(store, key, write));
            Record stored = put(store, key, order.get(random.nextInt(order.size())));
            assertThat(stored).as("%s", order).isEqualTo(refused ? greatest.dead() : greatest);
        }
    }

    /** Logins, sign-outs and refreshes of several nodes, and refusals. */
    private static List<Write> writes(Random random) {
        List<Write> writes = new ArrayList<>();
        Instant since = CLOCK.instant();
        List<Long> attempts =
                new ArrayList<>(LongStream.rangeClosed(1, 9).boxed().toList());
        Collections.shuffle(attempts, random);
        Record latest = Record.login(since, login(random), token(random));
        writes.add(new Write(Kind.LOGIN, latest));
        for (int i = 0; i < 8; i++) {
            since = since.plus(Duration.ofMillis(random.nextInt(3)));
            switch (random.nextInt(6)) {
                case 0 -> {
                    latest = Record.login(since, login(random), token(random));
                    writes.add(new Write(Kind.LOGIN, latest));
                }
                case 1 -> writes.add(new Write(Kind.SIGN_OUT, Record.signOut(since, login(random))));
                case 2 -> writes.add(new Write(Kind.REPAIR, latest));
                case 3 -> writes.add(new Write(Kind.DEAD, latest.dead()));
                default -> {
                    // Two successors of one token: the later attempt is greater.
                    Record refreshed = latest.refreshed(attempts.remove(0), token(random));
                    writes.add(new Write(Kind.REFRESH, refreshed));
                    latest = random.nextInt(3) == 0 ? latest : refreshed;
                }
            }
        }
        return writes;
    }

    private static Record put(TokenStore store, String key, Write write) {
        Mono<TokenStore.Entry> written = store.put(key, write.record, write.kind, "node", 0);
        return Objects.requireNonNull(written.block(Duration.ZERO).record());
    }

    private static String login(Random random) {
        return "%016x%016x".formatted(random.nextLong(), random.nextLong());
    }

    private static Token token(Random random) {
        return Token.builder("access-" + random.nextInt(1_000_000), CLOCK.instant())
                .refreshToken("refresh")
                .build();
    }

    private record Write(Kind kind, Record record) {}
}
