package io.tokenswap.tck;

import io.tokenswap.Token;
import org.reactivestreams.Publisher;
import org.reactivestreams.tck.PublisherVerification;
import org.testng.annotations.AfterMethod;

/** {@code token()} while a refresh is in flight. */
public class WaitedForTokenVerificationTest extends PublisherVerification<Token> {

    private final Sessions sessions = new Sessions();

    public WaitedForTokenVerificationTest() {
        super(Sessions.environment());
    }

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

    @AfterMethod
    public void close() {
        sessions.close();
    }
}
