package io.tokenswap.tck;

import io.tokenswap.session.SessionEvent;
import org.reactivestreams.Publisher;

/** {@code events()}, which never fails. */
public class EventsVerificationTest extends SessionVerification<SessionEvent> {

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
}
