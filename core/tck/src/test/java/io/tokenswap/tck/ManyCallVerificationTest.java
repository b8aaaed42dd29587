package io.tokenswap.tck;

import org.reactivestreams.Publisher;
import reactor.core.publisher.Flux;

/** {@code withTokenMany} with a good token. */
public class ManyCallVerificationTest extends SessionVerification<Integer> {

    @Override
    public Publisher<Integer> createPublisher(long elements) {
        return sessions.valid().withTokenMany(token -> Flux.range(0, (int) Math.min(elements, Integer.MAX_VALUE)));
    }

    @Override
    public Publisher<Integer> createFailedPublisher() {
        return sessions.ended().withTokenMany(token -> Flux.range(0, 1));
    }
}
