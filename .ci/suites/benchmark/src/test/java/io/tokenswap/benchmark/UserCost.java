package io.tokenswap.benchmark;

import io.tokenswap.session.TokenSession;
import io.tokenswap.session.TokenSessions;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.IntFunction;
import org.springframework.security.oauth2.client.OAuth2AuthorizeRequest;
import org.springframework.security.oauth2.client.ReactiveOAuth2AuthorizedClientManager;
import reactor.core.publisher.Mono;

/**
 * CPU of a valid token of one user of many: {@link TokenSessions}, a bare map of the same sessions, and Spring Security. They
 * take turns, each turn in a new JVM, so that no one is compiled for the calls of another. The time is that of the calling
 * thread, which other programs on the machine change little. Argument: number of turns.
 */
public final class UserCost {

    private static final int USERS = 1_024;
    private static final int CALLS = 200_000;
    private static final int ROUNDS = 60;

    /** Takes each result, so that no call is optimised away. */
    private static volatile Object last;

    private UserCost() {}

    public static void main(String[] args) throws IOException, InterruptedException {
        if (args.length > 0 && args[0].equals("turn")) {
            turn(args[1]);
            System.exit(0);
        }
        int turns = args.length > 0 ? Integer.parseInt(args[0]) : 7;
        Map<String, double[]> nanos = new LinkedHashMap<>();
        for (int turn = 0; turn < turns; turn++) {
            for (String what : List.of("map", "sessions", "spring")) {
                nanos.computeIfAbsent(what, key -> new double[turns])[turn] = inNewJvm(what);
            }
        }
        double[] map = Objects.requireNonNull(nanos.get("map"));
        nanos.forEach((what, each) -> {
            double[] ratios = new double[turns];
            Arrays.setAll(ratios, turn -> each[turn] / map[turn]);
            System.out.printf("%s: %s ns of CPU a call, %s times the map%n", what, spread(each), spread(ratios));
        });
        System.exit(0);
    }

    private static String spread(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return "%.2f (%.2f..%.2f)".formatted(sorted[sorted.length / 2], sorted[0], sorted[sorted.length - 1]);
    }

    private static double inNewJvm(String what) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(
                        ProcessHandle.current().info().command().orElse("java"),
                        "-Xmx1g",
                        "-XX:+UseSerialGC",
                        "-cp",
                        System.getProperty("java.class.path"),
                        UserCost.class.getName(),
                        "turn",
                        what)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
        process.waitFor();
        return Double.parseDouble(output.strip());
    }

    /** Prints the median of the second half of the rounds. */
    private static void turn(String what) {
        IntFunction<Mono<?>> call = call(what);
        List<Double> rounds = new ArrayList<>();
        for (int round = 0; round < ROUNDS; round++) {
            long before = ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
            for (int i = 0; i < CALLS; i++) {
                call.apply(i & (USERS - 1)).subscribe(token -> last = token);
            }
            long nanos = ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime() - before;
            rounds.add(nanos / (double) CALLS);
        }
        System.out.println(
                rounds.subList(ROUNDS / 2, ROUNDS).stream().sorted().toList().get(ROUNDS / 4));
    }

    private static IntFunction<Mono<?>> call(String what) {
        String[] names = new String[USERS];
        Arrays.setAll(names, i -> "user-" + i);
        if (what.equals("spring")) {
            SpringClients clients = new SpringClients();
            ReactiveOAuth2AuthorizedClientManager manager = clients.manager(Mono.never());
            OAuth2AuthorizeRequest[] requests = new OAuth2AuthorizeRequest[USERS];
            Arrays.setAll(requests, i -> clients.signIn(names[i], Duration.ofHours(24)));
            return i -> manager.authorize(requests[i]);
        }
        InstantEndpoint endpoint = new InstantEndpoint(Duration.ofHours(24));
        TokenSessions sessions = TokenSessions.builder(endpoint).build();
        Map<String, TokenSession> map = new ConcurrentHashMap<>();
        for (String name : names) {
            map.put(
                    name,
                    Objects.requireNonNull(
                            sessions.signIn(name, endpoint.grant()).block()));
        }
        return what.equals("map")
                ? i -> Mono.defer(() -> map.get(names[i]).token())
                : i -> sessions.get(names[i]).flatMap(TokenSession::token);
    }
}
