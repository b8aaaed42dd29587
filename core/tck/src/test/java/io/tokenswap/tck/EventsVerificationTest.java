package io.tokenswap.tck;

import io.tokenswap.session.SessionEvent;
import org.reactivestreams.Publisher;
import org.reactivestreams.tck.PublisherVerification;
import org.testng.annotations.AfterMethod;

/** {@code events()}, which never fails. */
public class EventsVerificationTest extends PublisherVerification<SessionEvent> {

    private final Sessions sessions = new Sessions();

    public EventsVerificationTest() {
        super(Sessions.environment());
    }

    @Override
    public Publisher<SessionEvent> createPublisher(long elements) {
        return sessions.busy().events();
    }

    @Override
    public Publisher<SessionEvent> createFailedPublisher() {
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
