package io.tokenswap.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.tokenswap.http.FaultRun.End;
import io.tokenswap.http.FaultRun.Result;
import io.tokenswap.http.RotatingServer.Rotation;
import io.tokenswap.testing.Fault;
import io.tokenswap.testing.Position;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.netty.http.client.HttpClient;
import reactor.netty.resources.ConnectionProvider;

/**
 * Every fault of the network, at every position of an exchange, on a swap and on a refresh, whatever becomes of refresh tokens:
 * 504 runs over real sockets, with a session whose pauses pass in virtual time.
 */
class FaultMatrixTest {

    private static final int AT_THE_SAME_TIME = 16;

    @Test
    @Timeout(240) // on a machine with nothing else to do it takes a few seconds
    @Tag("B49")
    @Tag("B58")
    @Tag("B70")
    @Tag("B71")
    void noFaultOfTheNetworkHangsRepeatsOrLosesMoreThanItMust() throws Exception {
        List<FaultRun> runs = runs();
        List<Result> results = play(runs);

        System.out.println(table(results));
        assertThat(results).hasSize(504);
        assertThat(results).filteredOn(result -> result.end() == End.HUNG).isEmpty();
        assertThat(results).filteredOn(result -> !result.broken().isEmpty()).isEmpty();
        assertThat(lost(results)).allMatch(result -> result.run().rotation() == Rotation.GRACE_0);
        // With no grace at all, the one session that must end is the one whose response was lost.
        assertThat(lost(results))
                .allMatch(result ->
                        result.requests() == 2 && !result.run().position().isInTheRequest());
    }

    private static List<FaultRun> runs() {
        List<FaultRun> runs = new ArrayList<>();
        // The fault changes fastest, so that the slow ones are spread over the whole.
        for (Position position : Position.values()) {
            for (boolean swap : new boolean[] {true, false}) {
                for (Rotation rotation : Rotation.values()) {
                    for (Fault fault : Fault.values()) {
                        runs.add(new FaultRun(fault, position, swap, rotation));
                    }
                }
            }
        }
        return runs;
    }

    private static List<Result> play(List<FaultRun> runs) throws Exception {
        ConnectionProvider connections = ConnectionProvider.create("faults", 1000);
        ExecutorService threads = Executors.newFixedThreadPool(AT_THE_SAME_TIME);
        try {
            HttpClient http = HttpClient.create(connections).wiretap(true);
            List<Callable<Result>> calls = new ArrayList<>();
            runs.forEach(run -> calls.add(() -> run.play(http)));
            List<Result> results = new ArrayList<>();
            for (Future<Result> result : threads.invokeAll(runs.stream()
                    .<java.util.concurrent.Callable<Result>>map(run -> () -> run.play(http))
                    .toList())) {
                results.add(result.get());
            }
            return results;
        } finally {
            threads.shutdownNow();
            connections.dispose();
        }
    }

    private static List<Result> lost(List<Result> results) {
        return results.stream().filter(result -> result.end() == End.LOST).toList();
    }

    private static String table(List<Result> results) {
        StringBuilder text = new StringBuilder(
                "The fault matrix. In each field a swap and a refresh, each without rotation,"
                        + " with 30 s of grace, with none:\n. at once, r repeated, n new login, L session lost, H hung\n\n");
        text.append(String.format("%-14s", ""));
        Arrays.stream(Position.values()).forEach(position -> text.append(String.format("%-22s", position)));
        for (Fault fault : Fault.values()) {
            text.append(String.format("%n%-14s", fault));
            for (Position position : Position.values()) {
                text.append(String.format(
                        "%-22s", marks(results, fault, position, true) + " " + marks(results, fault, position, false)));
            }
        }
        return text.append(String.format(
                        "%n%n%d runs, %d requests: %d hung, %d beyond the replay rule, %d sessions lost without rotation or with"
                                + " grace, %d lost with none%n",
                        results.size(),
                        results.stream().mapToInt(Result::requests).sum(),
                        results.stream()
                                .filter(result -> result.end() == End.HUNG)
                                .count(),
                        results.stream()
                                .filter(result -> !result.broken().isEmpty())
                                .count(),
                        lost(results).stream()
                                .filter(result -> result.run().rotation() != Rotation.GRACE_0)
                                .count(),
                        lost(results).stream()
                                .filter(result -> result.run().rotation() == Rotation.GRACE_0)
                                .count()))
                .toString();
    }

    private static String marks(List<Result> results, Fault fault, Position position, boolean swap) {
        return results.stream()
                .filter(result -> result.run().fault() == fault
                        && result.run().position() == position
                        && result.run().swap() == swap)
                .map(result -> String.valueOf(result.end().mark))
                .collect(Collectors.joining());
    }
}
