package io.tokenswap.tck;

import org.reactivestreams.tck.PublisherVerification;
import org.testng.annotations.AfterMethod;

/** The rules for a publisher of a session. Each test has its own sessions, which are closed after it. */
public abstract class SessionVerification<T> extends PublisherVerification<T> {

    final Sessions sessions = new Sessions();

    SessionVerification() {
        super(Sessions.environment());
    }

    @AfterMethod
    public void close() {
        sessions.close();
    }
}
