package io.tokenswap.tck;

import io.tokenswap.TokenRejectedException;
import io.tokenswap.session.TokenSession;
import java.util.concurrent.atomic.AtomicBoolean;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Flux;

/** {@code withTokenMany} whose first token the API refuses. */
public class RepeatedCallVerificationTest extends SessionVerification<Integer> {

    @Override
    public Publisher<Integer> createPublisher(long elements) {
        return call(sessions.valid(), elements);
    }

    private static Flux<Integer> call(TokenSession session, long elements) {
        AtomicBoolean refused = new AtomicBoolean();
        int count = (int) Math.min(elements, Integer.MAX_VALUE);
        return session.withTokenMany(token -> refused.compareAndSet(false, true)
                ? Flux.error(new TokenRejectedException("expected"))
                : Flux.range(0, count));
    }

    @Override
    public Publisher<Integer> createFailedPublisher() {
        return sessions.valid().withTokenMany(token -> Flux.error(new TokenRejectedException("expected")));
    }
}
