package io.tokenswap.tck;

import io.tokenswap.Token;
import org.reactivestreams.Publisher;

/** {@code tokens()} of a session whose token is replaced all the time. */
public class TokensVerificationTest extends SessionVerification<Token> {

    @Override
    public Publisher<Token> createPublisher(long elements) {
        return sessions.busy().tokens();
    }

    @Override
    public Publisher<Token> createFailedPublisher() {
        return sessions.ended().tokens();
    }

    @Override
    public long maxElementsFromPublisher() {
        return publisherUnableToSignalOnComplete();
    }
}
