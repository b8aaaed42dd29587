package io.tokenswap.tck;

import org.reactivestreams.Publisher;
import reactor.core.publisher.Mono;

/** {@code withToken} with a good token and a result that is there. */
public class ValidTokenCallVerificationTest extends SessionVerification<String> {

    @Override
    public Publisher<String> createPublisher(long elements) {
        return sessions.valid().withToken(token -> Mono.just("result"));
    }

    @Override
    public Publisher<String> createFailedPublisher() {
        return sessions.valid().withToken(token -> Mono.error(new IllegalStateException("expected")));
    }

    @Override
    public long maxElementsFromPublisher() {
        return 1;
    }
}
