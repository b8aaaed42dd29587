package io.tokenswap.redis;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.OperatingSystemMXBean;
import io.tokenswap.KeyRing;
import io.tokenswap.Token;
import io.tokenswap.session.TokenSession;
import io.tokenswap.session.TokenSessions;
import io.tokenswap.testing.StrictProvider;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import reactor.core.publisher.Flux;

/** Unit costs of a user and of a refresh in Redis, for the arithmetic of the page about scale. Prints them. */
@Tag("stress")
@Timeout(value = 20, unit = TimeUnit.MINUTES)
class RedisCostTest {

    private static final int USERS = 2_000;
    private static final int WARM_UP = 10;
    private static final int REFRESHES = 20;
    private static final Duration LONGEST = Duration.ofMinutes(15);

    @TempDir
    Path directory;

    private final StrictProvider provider = new StrictProvider();

    private record Use(long calls, long received, long sent, double redisCpu, double ourCpu, long memory) {

        static Use of(RedisServer redis) {
            Map<String, String> info = redis.operator()
                    .sync()
                    .info("all")
                    .lines()
                    .filter(line -> line.contains(":"))
                    .map(line -> line.split(":", 2))
                    .collect(Collectors.toMap(pair -> pair[0], pair -> pair[1], (a, b) -> a));
            Function<String, Double> number = name -> Double.parseDouble(info.get(name));
            OperatingSystemMXBean system = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
            return new Use(
                    callsOf(info.getOrDefault("cmdstat_evalsha", "calls=0,")),
                    number.apply("total_net_input_bytes").longValue(),
                    number.apply("total_net_output_bytes").longValue(),
                    number.apply("used_cpu_user") + number.apply("used_cpu_sys"),
                    system.getProcessCpuTime() / 1e9,
                    number.apply("used_memory").longValue());
        }
    }

    private static long callsOf(String statistics) {
        return Long.parseLong(statistics.substring("calls=".length(), statistics.indexOf(',')));
    }

    @Test
    void ofUsersAndRefreshes() {
        for (String durable : new String[] {"no", "always"}) {
            try (RedisServer redis = RedisServer.start(
                    directory, "--appendonly", durable.equals("no") ? "no" : "yes", "--appendfsync", durable)) {
                measure(redis, durable);
            }
        }
    }

    private void measure(RedisServer redis, String durable) {
        Use empty = Use.of(redis);
        TokenSessions sessions = TokenSessions.builder(provider)
                .store(RedisTokenStore.builder(redis.client(), KeyRing.random()).build())
                .build();
        // Of the length of Spotify's tokens.
        String filler = "x".repeat(180);
        Flux.range(0, USERS)
                .flatMap(i -> {
                    String user = durable + "-" + filler + i;
                    return sessions.signIn(user, StrictProvider.token(user, 1));
                })
                .blockLast(LONGEST);
        refresh(sessions, durable + "-" + filler, WARM_UP);
        int calls = provider.refreshes();
        Use before = Use.of(redis);
        long start = System.nanoTime();
        refresh(sessions, durable + "-" + filler, REFRESHES);
        double seconds = (System.nanoTime() - start) / 1e9;
        Use after = Use.of(redis);
        double number = provider.refreshes() - calls;

        System.out.printf(
                "appendfsync %s: %.0f refreshes, %.0f a second; each: %.2f calls, %.0f bytes to and %.0f from Redis, "
                        + "%.0f us of its CPU, %.0f us of ours; %d bytes of Redis a user%n",
                durable,
                number,
                number / seconds,
                (after.calls - before.calls) / number,
                (after.received - before.received) / number,
                (after.sent - before.sent) / number,
                1e6 * (after.redisCpu - before.redisCpu) / number,
                1e6 * (after.ourCpu - before.ourCpu) / number,
                (after.memory - empty.memory) / USERS);
        assertThat(number).isEqualTo(USERS * REFRESHES);
        sessions.disposeLater().block(LONGEST);
    }

    private static void refresh(TokenSessions sessions, String prefix, int times) {
        Flux.range(0, USERS)
                .flatMap(i -> sessions.get(prefix + i), 64)
                .flatMap(session -> refreshed(session).repeat(times - 1).then(), 64)
                .blockLast(LONGEST);
    }

    private static Flux<Token> refreshed(TokenSession session) {
        return session.refresh().doOnNext(session::accept).flux();
    }
}
