package io.tokenswap.spring;

import io.tokenswap.session.SessionEvent;
import io.tokenswap.session.SessionState;
import io.tokenswap.session.SessionState.Status;
import io.tokenswap.session.TokenSession;
import io.tokenswap.session.TokenSessions;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.DisposableBean;
import org.springframework.boot.health.contributor.AbstractReactiveHealthIndicator;
import org.springframework.boot.health.contributor.Health;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;

/**
 * Health of the sessions, from what is known here: the exchange server is not called. With many users the service is up
 * whatever happens to the grant of one user. A single session that needs a login makes it down.
 */
final class TokenSwapHealthIndicator extends AbstractReactiveHealthIndicator implements DisposableBean {

    private final @Nullable TokenSessions sessions;
    private final @Nullable TokenSession session;
    private final @Nullable WatchedStore store;
    private final Disposable events;
    private volatile @Nullable Failure lastFailure;

    private record Failure(@Nullable String text, Instant at) {}

    TokenSwapHealthIndicator(
            @Nullable TokenSessions sessions, @Nullable TokenSession session, @Nullable WatchedStore store) {
        super("The health of the token sessions is unknown");
        this.sessions = sessions;
        this.session = session;
        this.store = store;
        this.events = Mono.justOrEmpty(sessions)
                .mapNotNull(TokenSessions::events) // null if the sessions are a mock
                .flatMapMany(all -> all)
                .subscribe(event -> remember(event.event()));
    }

    @Override
    protected Mono<Health> doHealthCheck(Health.Builder builder) {
        return Mono.fromSupplier(() -> {
            builder.up();
            if (sessions != null) {
                addSessions(builder, sessions);
            }
            if (session != null) {
                addSession(builder, session.state());
            }
            return builder.build();
        });
    }

    private void addSessions(Health.Builder builder, TokenSessions all) {
        Map<String, Integer> counts = new LinkedHashMap<>();
        all.counts().forEach((status, number) -> counts.put(status.name().toLowerCase(Locale.ROOT), number));
        builder.withDetail("sessions", counts);
        builder.withDetail(
                "grantsEnding",
                Map.of(
                        "7d", all.grantsEndingWithin(Duration.ofDays(7)),
                        "30d", all.grantsEndingWithin(Duration.ofDays(30))));
        Failure failure = lastFailure;
        if (failure != null) {
            builder.withDetail(
                    "lastFailure",
                    Map.of(
                            "text",
                            String.valueOf(failure.text()),
                            "at",
                            failure.at().toString()));
        }
        Instant downSince = store == null ? null : store.downSince();
        builder.withDetail("store", downSince == null ? "up" : "down since " + downSince);
    }

    private static void addSession(Health.Builder builder, SessionState state) {
        if (state.status() == Status.LOGIN_REQUIRED || state.status() == Status.CLOSED) {
            builder.down();
        }
        builder.withDetail("state", state.status().name().toLowerCase(Locale.ROOT));
        if (state.retryAt() != null) {
            builder.withDetail("retryAt", state.retryAt().toString());
        }
        if (state.problem() != null) {
            builder.withDetail("problem", state.problem());
        }
    }

    private void remember(SessionEvent event) {
        if (event instanceof SessionEvent.RefreshFailed failed) {
            lastFailure = new Failure(failed.error().getMessage(), failed.at());
        } else if (event instanceof SessionEvent.StoreFailed failed) {
            // The message is the store's, and could hold anything.
            lastFailure = new Failure(
                    "The store failed with " + failed.error().getClass().getSimpleName(), failed.at());
        }
    }

    @Override
    public void destroy() {
        events.dispose();
    }
}
