package io.tokenswap.tck;

import io.tokenswap.Token;
import org.reactivestreams.Publisher;

/** {@code token()} while the token is good. */
public class ValidTokenVerificationTest extends SessionVerification<Token> {

    @Override
    public Publisher<Token> createPublisher(long elements) {
        return sessions.valid().token();
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
