package io.tokenswap.tck;

import io.tokenswap.session.SessionState;
import org.reactivestreams.Publisher;

/** {@code states()}, which never fails. */
public class StatesVerificationTest extends SessionVerification<SessionState> {

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
}
