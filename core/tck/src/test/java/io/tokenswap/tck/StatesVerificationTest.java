package io.tokenswap.tck;

import io.tokenswap.session.SessionState;
import org.reactivestreams.Publisher;
import org.reactivestreams.tck.PublisherVerification;
import org.testng.annotations.AfterMethod;

/** {@code states()}, which never fails. */
public class StatesVerificationTest extends PublisherVerification<SessionState> {

    private final Sessions sessions = new Sessions();

    public StatesVerificationTest() {
        super(Sessions.environment());
    }

    @Override
    public Publisher<SessionState> createPublisher(long elements) {
        return sessions.busy().states();
    }

    @Override
    public Publisher<SessionState> createFailedPublisher() {
        return null;
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
