package io.tokenswap.session;

import static org.assertj.core.api.Assertions.assertThat;

import io.tokenswap.Token;
import io.tokenswap.session.Cluster.Node;
import io.tokenswap.testing.ReferenceStore;
import io.tokenswap.testing.RotatingProvider;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** One fault at each point at which a node waits during a refresh: which of them loses the session? */
class SingleFaultTest {

    private static final String ALICE = "alice";
    private static final Duration SECOND = Duration.ofSeconds(1);

    /** How a refresh goes without the fault. */
    enum Course {
        /** All is well. */
        PLAIN(number -> RotatingProvider.Fault.none().slow(SECOND, SECOND)),
        /** The lease is extended meanwhile. */
        SLOW(number -> RotatingProvider.Fault.none().slow(SECOND, SECOND.multipliedBy(7))),
        /** The provider did not process the first request and said so. */
        REFUSED(number -> number == 0
                ? RotatingProvider.Fault.throttles(SECOND)
                : RotatingProvider.Fault.none().slow(SECOND, SECOND)),
        /** The provider did not get the first request. */
        REPEATED(number -> number == 0
                ? RotatingProvider.Fault.losesRequest()
                : RotatingProvider.Fault.none().slow(SECOND, SECOND));

        private final Function<Integer, RotatingProvider.Fault> faults;

        Course(Function<Integer, RotatingProvider.Fault> faults) {
            this.faults = faults;
        }
    }

    /** What happens to the node. */
    enum Fault {
        CRASH,
        PAUSE,
        CUT,
        LOST_RESPONSE
    }

    @ParameterizedTest
    @EnumSource(Course.class)
    @Tag("E96")
    void loseNoSessionAtAProviderWithGrace(Course course) {
        assertThat(lost(course, Duration.ofSeconds(30))).isEmpty();
    }

    @ParameterizedTest
    @EnumSource(Course.class)
    @Tag("E96")
    void loseASessionWithoutGraceOnlyWhereItsOnlyCopyIsLost(Course course) {
        List<String> lost = lost(course, Duration.ZERO);
        if (course != Course.REFUSED) { // after a pause of all nodes, either may be the one that refreshes
            assertThat(lost).isNotEmpty();
        }
        assertThat(lost)
                .allMatch(point -> point.matches("CRASH between request and save at .*")
                        || point.matches("LOST_RESPONSE between request and save at present( responded)? .*"));
    }

    /** The faults that lose the session, each at each point. */
    private static List<String> lost(Course course, Duration grace) {
        List<String> lost = new ArrayList<>();
        int points = 0;
        for (Fault fault : Fault.values()) {
            boolean struck = true;
            for (int point = 0; struck; point++) {
                Run run = new Run(course, grace, fault, point);
                struck = run.run();
                if (run.isLost()) {
                    lost.add(fault + run.struck + " (point " + point + ")");
                }
                points += struck ? 1 : 0;
            }
        }
        assertThat(points).as("faults").isGreaterThan(30);
        return lost;
    }

    /** One refresh of two nodes, of which the first is struck. */
    private static final class Run {

        private final Cluster cluster = new Cluster();
        private final Node a = cluster.node("a");
        private final Node b = cluster.node("b");
        private final Course course;
        private final Fault fault;
        private final int strikeAt;
        private int point;
        private String struck = "";
        private boolean begun;

        Run(Course course, Duration grace, Fault fault, int strikeAt) {
            this.course = course;
            this.fault = fault;
            this.strikeAt = strikeAt;
            cluster.grace(grace);
            cluster.policy = RefreshPolicy.builder().jitter(Duration.ZERO).build();
        }

        /** Returns true if there was such a point. */
        boolean run() {
            a.start(ALICE).tokensUntilClosed().subscribe();
            b.restore(ALICE).tokensUntilClosed().subscribe();
            int[] number = {0};
            cluster.provider.faults(presentation -> course.faults.apply(number[0]++));
            cluster.advance(Duration.ofMinutes(55).minusMillis(1));
            a.store.awaits = this::await;
            begun = true;
            cluster.advance(Duration.ofSeconds(60));
            begun = false;
            cluster.provider.faults(presentation -> RotatingProvider.Fault.none());
            cluster.advance(Duration.ofMinutes(2));
            return !struck.isEmpty();
        }

        private void await(String at) {
            if (!begun || point++ != strikeAt) {
                return;
            }
            struck = (isBetweenRequestAndSave(at) ? " between request and save at " : " at ") + at;
            switch (fault) {
                case CRASH -> a.scheduler.crash();
                case PAUSE -> {
                    a.scheduler.pause();
                    later(Duration.ofSeconds(25), a.scheduler::resume);
                }
                case CUT -> {
                    a.connection.fault(ReferenceStore.Fault.neverResponds());
                    a.connection.losesChanges(true);
                    a.store.losesResponses(true);
                    later(Duration.ofSeconds(60), () -> {
                        a.store.losesResponses(false);
                        a.connection.reconnect();
                    });
                }
                case LOST_RESPONSE -> a.store.losesResponse();
            }
        }

        /** The only copy of the successor is on its way to the node, or in its memory. */
        private boolean isBetweenRequestAndSave(String at) {
            boolean sent = at.equals(ObservedStore.PRESENT)
                    || cluster.provider.presentations().stream()
                            .anyMatch(p -> p.fault().equals("none"));
            TokenStore.Record record = cluster.record(ALICE);
            return sent && record != null && record.version().number() == 0;
        }

        private void later(Duration delay, Runnable task) {
            cluster.clock.scheduler().schedule(task, delay.toMillis(), TimeUnit.MILLISECONDS);
        }

        /** The session is lost if the next refresh of the nodes that are left fails. */
        boolean isLost() {
            Node left = a.scheduler.isRunning() ? a : b;
            cluster.advance(Duration.ofHours(2));
            TokenStore.Record record = cluster.record(ALICE);
            Token token = record == null ? null : record.token();
            return token == null
                    || cluster.provider.isRevoked(token)
                    || !left.ask(left.session(ALICE).token()).equals(List.of(cluster.name(token)));
        }
    }
}
