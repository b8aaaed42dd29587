package io.tokenswap.tck;

import io.tokenswap.Token;
import org.reactivestreams.Publisher;

/** {@code token()} while a refresh is in flight. */
public class WaitedForTokenVerificationTest extends SessionVerification<Token> {

    @Override
    public Publisher<Token> createPublisher(long elements) {
        return sessions.expired().token();
    }

    @Override
    public Publisher<Token> createFailedPublisher() {
        return sessions.ended().token();
    }

    @Override
    public long maxElementsFromPublisher() {
        return 1;
    }
}
