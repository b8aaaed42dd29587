package io.tokenswap.tck;

import org.reactivestreams.Publisher;
import org.reactivestreams.tck.PublisherVerification;
import org.testng.annotations.AfterMethod;
import reactor.core.publisher.Flux;

/** {@code withTokenMany} with a good token. */
public class ManyCallVerificationTest extends PublisherVerification<Integer> {

    private final Sessions sessions = new Sessions();

    public ManyCallVerificationTest() {
        super(Sessions.environment());
    }

    @Override
    public Publisher<Integer> createPublisher(long elements) {
        return sessions.valid().withTokenMany(token -> Flux.range(0, (int) Math.min(elements, Integer.MAX_VALUE)));
    }

    @Override
    public Publisher<Integer> createFailedPublisher() {
        return sessions.ended().withTokenMany(token -> Flux.range(0, 1));
    }

    @AfterMethod
    public void close() {
        sessions.close();
    }
}
