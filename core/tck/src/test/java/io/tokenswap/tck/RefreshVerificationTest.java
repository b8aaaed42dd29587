package io.tokenswap.tck;

import io.tokenswap.Token;
import org.reactivestreams.Publisher;

/** {@code refresh()}. */
public class RefreshVerificationTest extends SessionVerification<Token> {

    @Override
    public Publisher<Token> createPublisher(long elements) {
        return sessions.valid().refresh();
    }

    @Override
    public Publisher<Token> createFailedPublisher() {
        return sessions.ended().refresh();
    }

    @Override
    public long maxElementsFromPublisher() {
        return 1;
    }
}
