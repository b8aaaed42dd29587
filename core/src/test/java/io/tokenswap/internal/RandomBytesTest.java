package io.tokenswap.internal;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.InputStream;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

class RandomBytesTest {

    private static final Duration TIMEOUT = Duration.ofSeconds(20);

    /** Runs on a thread that must not block; the test JVM has no exception to that rule for random numbers. */
    @Test
    @Tag("E40")
    void areTakenOnAnEventLoopWithoutBlockingTheFirstTimeAndAgain() {
        List<byte[]> taken = Mono.fromCallable(() -> List.of(RandomBytes.next(32), RandomBytes.next(32)))
                .subscribeOn(Schedulers.parallel())
                .block(TIMEOUT);

        assertThat(taken.get(0)).hasSize(32).isNotEqualTo(taken.get(1));
    }

    /** The test above is the first use only if it runs first: here a new process takes bytes under the same watch. */
    @ParameterizedTest(name = "{0}")
    @Tag("E40")
    @CsvSource({
        "bytes, took 32 bytes",
        "requests, 'built 2 requests, different: true'",
        "interrupted, 'took 43 characters and 32 bytes, still interrupted: true'"
    })
    void areTakenOnAnEventLoopAsTheFirstThingOfAProcess(String what, String expected) throws Exception {
        Process process = new ProcessBuilder(
                        ProcessHandle.current().info().command().orElse("java"),
                        "-XX:+AllowRedefinitionToAddDeleteMethods",
                        "-XX:+EnableDynamicAgentLoading",
                        "-Xshare:off",
                        "-cp",
                        System.getProperty("java.class.path"),
                        FirstUse.class.getName(),
                        what)
                .redirectErrorStream(true)
                .start();
        String output;
        try (InputStream in = process.getInputStream()) {
            output = new String(in.readAllBytes());
        }

        assertThat(process.waitFor(TIMEOUT.toSeconds(), TimeUnit.SECONDS)).isTrue();
        assertThat(output).contains(expected);
    }

    @Test
    void areDifferentEachTime() {
        Set<String> seen = new HashSet<>();
        for (int i = 0; i < 10_000; i++) {
            seen.add(RandomBytes.base64Url(16));
        }

        assertThat(seen).hasSize(10_000).allMatch(text -> text.matches("[A-Za-z0-9_-]{22}"));
    }
}
