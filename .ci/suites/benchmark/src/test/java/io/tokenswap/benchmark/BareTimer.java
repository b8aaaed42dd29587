package io.tokenswap.benchmark;

import io.netty.util.HashedWheelTimer;
import io.netty.util.Timeout;
import io.netty.util.TimerTask;
import io.tokenswap.Token;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * The least cost of a refresh ahead of expiry: a timeout of a {@link HashedWheelTimer} for each user. It asks the endpoint,
 * passes the token to a subscriber and sets the next timeout. Failures, clocks and callers are left out, and the deadline of the
 * request on demand: without one, a response that never comes ends the refreshes of its user.
 */
final class BareTimer implements TimerTask {

    /** Ticks as the sessions do. */
    private static final HashedWheelTimer WHEEL = new HashedWheelTimer(10, TimeUnit.MILLISECONDS, 8_192);

    private final InstantEndpoint endpoint;
    private final LiveSessions.Watcher watcher;
    private final @Nullable Duration deadline;
    private Token token;
    private volatile boolean stopped;

    BareTimer(InstantEndpoint endpoint, LiveSessions.Watcher watcher, @Nullable Duration deadline) {
        this.deadline = deadline;
        this.endpoint = endpoint;
        this.token = endpoint.grant();
        this.watcher = watcher;
        emit(token);
    }

    void stop() {
        stopped = true;
    }

    private void emit(Token next) {
        token = next;
        watcher.onNext(next);
        long lifetime = Duration.between(next.issuedAt(), next.expiresAt()).toMillis();
        long due = next.expiresAt().toEpochMilli() - lifetime / 5 - System.currentTimeMillis();
        WHEEL.newTimeout(this, Math.max(0, due), TimeUnit.MILLISECONDS);
    }

    @Override
    public void run(Timeout timeout) {
        if (stopped) {
            return;
        }
        Mono<Token> next = endpoint.refresh(token.refreshToken());
        (deadline == null ? next : next.timeout(deadline)).subscribe(this::emit);
    }
}
