package io.tokenswap.tck;

import io.tokenswap.Token;
import org.reactivestreams.Publisher;
import org.reactivestreams.tck.PublisherVerification;
import org.testng.annotations.AfterMethod;

/** {@code refresh()}. */
public class RefreshVerificationTest extends PublisherVerification<Token> {

    private final Sessions sessions = new Sessions();

    public RefreshVerificationTest() {
        super(Sessions.environment());
    }

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

    @AfterMethod
    public void close() {
        sessions.close();
    }
}
