package io.tokenswap.samples.webflux;

import io.tokenswap.LoginRequiredException;
import io.tokenswap.session.TokenSession;
import java.time.Duration;
import java.time.InstantSource;
import org.springframework.http.codec.ServerSentEvent;
import org.springframework.stereotype.Component;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Session as a stream of server-sent events.
 *
 * <pre>
 *  : a comment, at once and every now and then, so that a connection that has died is noticed
 *  event: token            {@link TokenView}: the current token, and each that replaces it
 *  event: session          {@link EventView}: what happens from now on
 *  event: login-required   {"text": ...}: no further tokens will come; the user has to sign in again
 * </pre>
 */
@Component
final class SessionNews {

    private static final Duration RECONNECT = Duration.ofSeconds(2);

    private final Duration heartbeat;
    private final InstantSource clock;

    SessionNews(Settings settings, InstantSource clock) {
        this.heartbeat = settings.service().heartbeat();
        this.clock = clock;
    }

    /**
     * Returns the events from now on. The stream ends with the session.
     *
     * @param onHeartbeat runs as long as a client listens
     */
    Flux<ServerSentEvent<?>> of(TokenSession session, Runnable onHeartbeat) {
        Flux<ServerSentEvent<?>> events = session.events().map(event -> event("session", EventView.of(event)));
        Flux<ServerSentEvent<?>> tokens = session.tokens()
                .<ServerSentEvent<?>>map(token -> event("token", TokenView.of(token, clock.instant())))
                .onErrorResume(
                        LoginRequiredException.class,
                        error -> Mono.just(event("login-required", new Reason(String.valueOf(error.getMessage())))));
        Flux<ServerSentEvent<?>> heartbeats = Flux.interval(Duration.ZERO, heartbeat)
                .onBackpressureDrop()
                .doOnNext(beat -> onHeartbeat.run())
                .<ServerSentEvent<?>>map(beat ->
                        ServerSentEvent.builder().comment("").retry(RECONNECT).build())
                .takeUntilOther(session.events().ignoreElements());
        // One at a time from each, so that a slow browser gets the latest token and not all that it missed.
        return Flux.merge(1, events, tokens, heartbeats);
    }

    private static ServerSentEvent<?> event(String name, Object data) {
        return ServerSentEvent.builder(data).event(name).build();
    }

    record Reason(String text) {}
}
