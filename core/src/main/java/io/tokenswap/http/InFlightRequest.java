package io.tokenswap.http;

import io.netty.channel.Channel;
import io.netty.handler.codec.http.HttpHeaders;
import io.tokenswap.Token;
import io.tokenswap.TokenEndpoint;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.MonoSink;
import reactor.util.Logger;
import reactor.util.Loggers;
import reactor.util.context.Context;

/**
 * One request and its one result.
 *
 * <pre>
 *  CONNECTING --markSent--> SENT --response or error--> ENDED
 *      |                      |                           ^
 *      +--error or timeout----+--timeout------------------+    not sent            sent: the socket is polled once more
 * </pre>
 *
 * <p>Each step is a compare-and-set. A request that was reported as not sent is therefore never sent: a connection that
 * arrives after the timeout finds that the call has ended.
 *
 * <p>A timer can be late, because the process was suspended or the machine was busy. The response may then lie unread
 * in the socket, and its refresh token may be the only one that is still valid. After the timeout the call therefore
 * lets the event loop of the connection poll the socket a few times before it fails. It does not wait for an event loop
 * that does not run.
 */
final class InFlightRequest extends BaseSubscriber<TokenResponse> {

    private enum State {
        CONNECTING,
        SENT,
        ENDED
    }

    private static final Logger log = Loggers.getLogger(TokenEndpoint.class);

    /** Polls of the socket after the timeout. Each of them reads at least 16 KiB of what is there. */
    private static final int LAST_POLLS = 8;

    /** Time that an event loop has for these polls. */
    private static final Duration LAST_POLLS_LIMIT = Duration.ofSeconds(1);

    private final TokenRequest request;
    private final HttpHeaders headers;
    private final byte[] body;
    private final InstantSource clock;
    private final RequestTimeouts timeouts;
    private final boolean proxied;
    private final MonoSink<Token> sink;
    private final Context context;
    private final AtomicReference<State> state = new AtomicReference<>(State.CONNECTING);
    private RequestTimeouts.@Nullable Timeout timeout;
    private volatile @Nullable Channel channel;
    private volatile @Nullable Instant sentAt;

    InFlightRequest(
            TokenRequest request,
            HttpHeaders headers,
            InstantSource clock,
            RequestTimeouts timeouts,
            boolean proxied,
            MonoSink<Token> sink) {
        this.request = request;
        this.headers = headers;
        this.body = request.body();
        this.clock = clock;
        this.timeouts = timeouts;
        this.proxied = proxied;
        this.sink = sink;
        this.context = Context.of(sink.contextView()).put(InFlightRequest.class, this);
    }

    /**
     * Starts the timeout, then subscribes to the exchange.
     *
     * @param exchange sends the request of the call in its subscriber's context, and emits the response
     */
    void start(Publisher<TokenResponse> exchange) {
        timeout = timeouts.start(this::timeOut);
        sink.onCancel(this::abandon);
        exchange.subscribe(this);
    }

    TokenRequest request() {
        return request;
    }

    /** Returns the headers that the caller and the authentication of the client have added. */
    HttpHeaders headers() {
        return headers;
    }

    byte[] body() {
        return body;
    }

    @Override
    public Context currentContext() {
        return context;
    }

    /** Takes note of the connection. Runs on its event loop. */
    void connected(Channel connection) {
        channel = connection;
    }

    /**
     * Decides immediately before the first byte whether the request may leave.
     *
     * @return false if the call has ended or its time has passed, so that nothing may be sent
     */
    boolean markSent() {
        if (timeout != null && timeout.hasExpired()) {
            fail(tooLate());
            return false;
        }
        sentAt = clock.instant();
        if (!state.compareAndSet(State.CONNECTING, State.SENT)) {
            return false;
        }
        if (log.isDebugEnabled()) {
            log.debug("{}: sent", request.describe());
        }
        return true;
    }

    @Override
    protected void hookOnNext(TokenResponse response) {
        if (end() != State.ENDED) {
            try {
                Instant now = clock.instant();
                // A server may respond to a request that it has not seen, for example with 408 on an idle connection.
                Instant left = sentAt;
                Token token = response.token(left == null ? now : left, now);
                if (log.isDebugEnabled()) {
                    log.debug(
                            "{}: token [{}] expires at {}", request.describe(), token.fingerprint(), token.expiresAt());
                }
                sink.success(token);
            } catch (RuntimeException failure) {
                sink.error(logged(failure));
            }
        }
    }

    @Override
    protected void hookOnError(Throwable error) {
        fail(error);
    }

    @Override
    protected void hookOnComplete() {
        if (state.get() != State.ENDED) { // an exception would cost more than the rest of a successful call
            fail(new IllegalStateException("The exchange ended without a response"));
        }
    }

    private void timeOut() {
        Channel connection = channel;
        if (connection == null || state.get() != State.SENT) {
            expire();
            return;
        }
        timeouts.after(LAST_POLLS_LIMIT, this::expire);
        poll(connection, LAST_POLLS);
    }

    /**
     * Expires after a number of turns of the event loop. A task that is scheduled for later runs after a turn in which
     * the loop has polled its sockets.
     */
    @SuppressWarnings("FutureReturnValueIgnored") // a call that has ended meanwhile does nothing when it runs
    private void poll(Channel connection, int polls) {
        if (polls == 0) {
            expire();
        } else if (state.get() != State.ENDED) {
            try {
                connection.eventLoop().schedule(() -> poll(connection, polls - 1), 1, TimeUnit.MILLISECONDS);
            } catch (RejectedExecutionException shutDown) {
                expire();
            }
        }
    }

    private void expire() {
        if (state.get() != State.ENDED) {
            fail(tooLate());
        }
    }

    private TimeoutException tooLate() {
        return new TimeoutException("No response within " + timeouts.limit());
    }

    private void fail(Throwable error) {
        State before = end();
        if (before != State.ENDED) {
            cancel();
            sink.error(logged(TransportFailure.of(request.server(), error, before == State.SENT, proxied)));
        }
    }

    /** Writes a failure to the log. Servers cause as many as they like, so that none is above DEBUG. */
    private <E extends Throwable> E logged(E failure) {
        if (log.isDebugEnabled()) {
            log.debug("{}: {}", request.describe(), failure.getMessage());
        }
        return failure;
    }

    private void abandon() {
        if (end() != State.ENDED && log.isDebugEnabled()) {
            log.debug("{}: cancelled", request.describe());
        }
        cancel();
    }

    /** Ends the call, and returns the state in which it was before. */
    private State end() {
        State before = state.getAndSet(State.ENDED);
        if (before != State.ENDED && timeout != null) {
            timeout.cancel();
        }
        return before;
    }
}
