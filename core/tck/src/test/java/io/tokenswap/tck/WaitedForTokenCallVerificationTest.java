package io.tokenswap.tck;

import java.time.Duration;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Mono;

/** {@code withToken} that waits for the token and for the result. */
public class WaitedForTokenCallVerificationTest extends SessionVerification<String> {

    @Override
    public Publisher<String> createPublisher(long elements) {
        return sessions.expired()
                .withToken(token -> Mono.delay(Duration.ofMillis(1)).map(tick -> "result"));
    }

    @Override
    public Publisher<String> createFailedPublisher() {
        return sessions.ended().withToken(token -> Mono.just("result"));
    }

    @Override
    public long maxElementsFromPublisher() {
        return 1;
    }
}
