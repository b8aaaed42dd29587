package io.tokenswap.spring;

import io.tokenswap.session.TokenSessions;
import java.util.Collection;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.SmartLifecycle;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Closes the sessions at shutdown, before the web server begins to wait for its requests: so the streams of tokens and
 * states end by themselves, and no token is unsaved when the store is closed.
 */
final class SessionsLifecycle implements SmartLifecycle {

    private static final Logger log = LoggerFactory.getLogger(SessionsLifecycle.class);

    private final Supplier<Collection<TokenSessions>> sessions;
    private volatile boolean running;

    SessionsLifecycle(Supplier<Collection<TokenSessions>> sessions) {
        this.sessions = sessions;
    }

    /** The first phase to be stopped. The web server's graceful shutdown is 1,024 phases later. */
    @Override
    public int getPhase() {
        return Integer.MAX_VALUE;
    }

    @Override
    public void start() {
        running = true;
    }

    @Override
    public void stop(Runnable callback) {
        running = false;
        Flux.defer(() -> Flux.fromIterable(sessions.get()))
                .flatMapDelayError(SessionsLifecycle::close, 16, 1)
                .then()
                .doOnError(error -> log.warn("A token was not saved at shutdown: {}", error.getMessage()))
                .onErrorComplete()
                .doFinally(signal -> callback.run())
                .subscribe();
    }

    private static Mono<Void> close(TokenSessions sessions) {
        return Mono.fromSupplier(sessions::disposeLater).flatMap(closed -> closed); // empty for a mock
    }

    @Override
    public void stop() {
        stop(() -> {});
    }

    @Override
    public boolean isRunning() {
        return running;
    }
}
