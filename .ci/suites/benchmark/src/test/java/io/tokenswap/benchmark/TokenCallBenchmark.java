package io.tokenswap.benchmark;

import io.tokenswap.Token;
import io.tokenswap.session.TokenSession;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;
import org.openjdk.jmh.infra.Blackhole;
import reactor.core.publisher.Mono;

/**
 * Cost of a token, and of a call with one, while the token is good. Beside it: the operators of Reactor and one reading of
 * the clock, which no check of a token can do without.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 10, time = 1)
@Fork(2)
public class TokenCallBenchmark {

    private final InstantEndpoint endpoint = new InstantEndpoint(Duration.ofHours(24));
    private final Token token = endpoint.grant();
    private final TokenSession session = TokenSession.builder(endpoint).build(token);

    @Benchmark
    public void justAndClock(Blackhole blackhole) {
        blackhole.consume(System.currentTimeMillis());
        Mono.just(token).subscribe(blackhole::consume);
    }

    @Benchmark
    public void token(Blackhole blackhole) {
        session.token().subscribe(blackhole::consume);
    }

    @Benchmark
    public void flatMapAndClock(Blackhole blackhole) {
        blackhole.consume(System.currentTimeMillis());
        Mono.just(token).flatMap(good -> Mono.just(good.accessToken().secret())).subscribe(blackhole::consume);
    }

    @Benchmark
    public void withToken(Blackhole blackhole) {
        session.withToken(good -> Mono.just(good.accessToken().secret())).subscribe(blackhole::consume);
    }
}
