package io.tokenswap.tck;

import io.tokenswap.Token;
import org.reactivestreams.Publisher;
import org.reactivestreams.tck.PublisherVerification;
import org.testng.annotations.AfterMethod;

/** {@code tokens()} of a session whose token is replaced all the time. */
public class TokensVerificationTest extends PublisherVerification<Token> {

    private final Sessions sessions = new Sessions();

    public TokensVerificationTest() {
        super(Sessions.environment());
    }

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

    @AfterMethod
    public void close() {
        sessions.close();
    }
}
