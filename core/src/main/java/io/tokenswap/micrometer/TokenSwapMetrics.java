package io.tokenswap.micrometer;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.observation.ObservationRegistry;
import io.tokenswap.TokenEndpoint;
import io.tokenswap.session.SessionState.Status;
import io.tokenswap.session.TokenSessions;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Mono;

/**
 * Meters of token requests and of the sessions of many users.
 *
 * <table>
 * <caption>Meters</caption>
 * <tr><th>meter</th><th>kind</th><th>tags</th></tr>
 * <tr><td>{@code tokenswap.token.request}</td><td>observation, and so a timer</td><td>{@code grant.type}:
 * authorization_code, refresh_token; {@code outcome}: success, login_required, unavailable, rejected;
 * {@code error.type}: none, timeout, an HTTP status or an error code of OAuth; {@code server.address}</td></tr>
 * <tr><td>{@code tokenswap.sessions}</td><td>gauge</td><td>{@code state}: valid, refresh_due, refreshing, retrying,
 * signing_in, login_required</td></tr>
 * <tr><td>{@code tokenswap.session.events}</td><td>counter</td><td>{@code event}: the names of
 * {@link io.tokenswap.session.SessionEvent}</td></tr>
 * <tr><td>{@code tokenswap.grants.ending}</td><td>gauge</td><td>{@code within}: 7d, 30d</td></tr>
 * </table>
 *
 * <p>No tag holds a user, a token or a fingerprint.
 *
 * @see <a href="https://opentelemetry.io/docs/specs/semconv/attributes-registry/error/">error.type of OpenTelemetry</a>
 */
public final class TokenSwapMetrics {

    /** The names of all events. Each counter exists from the start, so that the first event shows as an increase. */
    private static final List<String> EVENTS = List.of(
            "refreshed",
            "refresh_failed",
            "invalidated",
            "scopes_reduced",
            "store_failed",
            "grant_expiring",
            "login_required",
            "closed",
            "api_rejects_tokens");

    private static final Map<String, Duration> WITHIN = Map.of("7d", Duration.ofDays(7), "30d", Duration.ofDays(30));

    private TokenSwapMetrics() {}

    /**
     * Returns an endpoint that reports each token request as an observation {@code tokenswap.token.request}.
     *
     * <p>A timer and a span follow from the handlers of the registry: Spring Boot registers them, other applications
     * add a {@code DefaultMeterObservationHandler}. The observation in the Reactor {@code Context} of the subscriber is
     * the parent, and the context of the request holds the new observation. An observation begins with the subscription
     * and ends with the result.
     *
     * @param endpoint sends the requests
     * @param registry gets the observations
     * @return an endpoint that passes everything on to the given one
     */
    public static TokenEndpoint observe(TokenEndpoint endpoint, ObservationRegistry registry) {
        return new ObservedEndpoint(
                Objects.requireNonNull(endpoint, "endpoint"), Objects.requireNonNull(registry, "registry"));
    }

    /**
     * Registers the meters of sessions. Gauges are computed when the registry reads them, in a time that grows with the number of
     * sessions: about a millisecond for 10,000.
     *
     * @param sessions the sessions
     * @param registry gets the meters
     * @return removes the meters and stops counting when it is closed
     */
    public static AutoCloseable bind(TokenSessions sessions, MeterRegistry registry) {
        BoundMeters meters = new BoundMeters(registry);
        Set<Status> states = EnumSet.complementOf(EnumSet.of(Status.CLOSED));
        states.forEach(state -> meters.add(Gauge.builder(
                        "tokenswap.sessions", sessions, all -> all.counts().getOrDefault(state, 0))
                .description("Sessions in memory")
                .tag("state", state.name().toLowerCase(Locale.ROOT))
                .register(registry)));
        WITHIN.forEach((name, time) ->
                meters.add(Gauge.builder("tokenswap.grants.ending", sessions, all -> all.grantsEndingWithin(time))
                        .description("Sessions in memory whose users must sign in again soon")
                        .tag("within", name)
                        .register(registry)));
        EVENTS.forEach(meters::counter);
        meters.stopWith(Mono.fromSupplier(sessions::events) // empty for a mock in a test of an application
                .flatMapMany(events -> events)
                .subscribe(event -> meters.counter(event.event().name()).increment()));
        return meters;
    }

    /** The meters of one registration. */
    private static final class BoundMeters implements AutoCloseable {

        private final MeterRegistry registry;
        private final Set<Meter> meters = ConcurrentHashMap.newKeySet();
        private Disposable events = Disposables.disposed();

        BoundMeters(MeterRegistry registry) {
            this.registry = registry;
        }

        void add(Meter meter) {
            meters.add(meter);
        }

        Counter counter(String event) {
            Counter counter = Counter.builder("tokenswap.session.events")
                    .description("Events of all sessions")
                    .tag("event", event)
                    .register(registry);
            meters.add(counter);
            return counter;
        }

        void stopWith(Disposable events) {
            this.events = events;
        }

        @Override
        public void close() {
            events.dispose();
            meters.forEach(registry::remove);
        }
    }
}
