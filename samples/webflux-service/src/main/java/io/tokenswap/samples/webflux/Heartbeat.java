package io.tokenswap.samples.webflux;

import io.tokenswap.session.SessionState;
import java.time.Duration;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.http.codec.ServerSentEvent;
import org.springframework.stereotype.Component;
import reactor.core.publisher.Flux;

/**
 * States as server-sent events, with a comment every now and then, so that both sides notice a dead connection.
 *
 * <pre>
 *  id: 1767225600000     the time of this service in ms, so that the countdown of the page needs no right clock
 *  event: state
 *  data: {"status": "VALID", "fingerprint": "3b1c9a40", "expiresAt": "2026-01-01T00:00:30Z", ...}
 *
 *  :                     the comment
 * </pre>
 */
@Component
final class Heartbeat {

    private static final Duration RECONNECT = Duration.ofSeconds(2);

    private final Duration period;

    Heartbeat(@Value("${heartbeat}") Duration period) {
        this.period = period;
    }

    Flux<ServerSentEvent<SessionState>> with(Flux<SessionState> states) {
        return states.map(state -> ServerSentEvent.builder(state)
                        .id(Long.toString(System.currentTimeMillis()))
                        .event("state")
                        .build())
                .publish(events -> events.mergeWith(comments().takeUntilOther(events.ignoreElements())));
    }

    private Flux<ServerSentEvent<SessionState>> comments() {
        return Flux.interval(Duration.ZERO, period)
                .onBackpressureDrop()
                .map(beat -> ServerSentEvent.<SessionState>builder()
                        .comment("")
                        .retry(RECONNECT)
                        .build());
    }
}
