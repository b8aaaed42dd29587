package io.tokenswap.micrometer;

import io.micrometer.observation.Observation;
import io.micrometer.observation.ObservationRegistry;
import io.tokenswap.AuthorizationCode;
import io.tokenswap.LoginRequiredException;
import io.tokenswap.OAuthErrorException;
import io.tokenswap.RefreshToken;
import io.tokenswap.RequestRejectedException;
import io.tokenswap.Token;
import io.tokenswap.TokenEndpoint;
import io.tokenswap.TokenUnavailableException;
import java.time.Duration;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import reactor.core.publisher.Mono;

/** Reports the requests of another endpoint as observations. */
final class ObservedEndpoint implements TokenEndpoint {

    private static final String NAME = "tokenswap.token.request";
    private static final String OUTCOME = "outcome";
    private static final String ERROR_TYPE = "error.type";

    /** Key of the current observation in a Reactor context, by the convention of Micrometer's context propagation. */
    private static final String CURRENT = "micrometer.observation";

    /**
     * Error codes of RFC 6749 sections 4.1.2.1 and 5.2. A server may send any text, and each one would make another
     * time series.
     */
    private static final Set<String> OAUTH_ERRORS = Set.of(
            "invalid_request",
            "invalid_client",
            "invalid_grant",
            "unauthorized_client",
            "unsupported_grant_type",
            "invalid_scope",
            "access_denied",
            "server_error",
            "temporarily_unavailable");

    private final TokenEndpoint endpoint;
    private final ObservationRegistry registry;

    ObservedEndpoint(TokenEndpoint endpoint, ObservationRegistry registry) {
        this.endpoint = endpoint;
        this.registry = registry;
    }

    @Override
    public Mono<Token> swap(AuthorizationCode code) {
        return observed("authorization_code", endpoint.swap(code));
    }

    @Override
    public Mono<Token> refresh(RefreshToken refreshToken) {
        return observed("refresh_token", endpoint.refresh(refreshToken));
    }

    @Override
    public Duration timeout() {
        return endpoint.timeout();
    }

    @Override
    public String host() {
        return endpoint.host();
    }

    @Override
    public String toString() {
        return endpoint.toString();
    }

    private Mono<Token> observed(String grantType, Mono<Token> request) {
        return Mono.deferContextual(context -> {
            String host = endpoint.host();
            Observation observation = Observation.createNotStarted(NAME, registry)
                    .contextualName("token request")
                    .lowCardinalityKeyValue("grant.type", grantType)
                    .lowCardinalityKeyValue("server.address", host.isEmpty() ? "unknown" : host)
                    // What a cancelled request keeps.
                    .lowCardinalityKeyValue(OUTCOME, "unavailable")
                    .lowCardinalityKeyValue(ERROR_TYPE, "cancelled");
            if (context.getOrDefault(CURRENT, null) instanceof Observation parent) {
                observation.parentObservation(parent);
            }
            observation.start();
            AtomicBoolean stopped = new AtomicBoolean();
            return request.doOnSuccess(token -> {
                        observation.lowCardinalityKeyValue(OUTCOME, "success");
                        observation.lowCardinalityKeyValue(ERROR_TYPE, "none");
                    })
                    .doOnError(error -> {
                        observation.lowCardinalityKeyValue(OUTCOME, outcome(error));
                        observation.lowCardinalityKeyValue(ERROR_TYPE, errorType(error));
                        observation.error(error);
                    })
                    // Before the result is passed on, so that a caller who has it finds the request counted.
                    .doOnTerminate(() -> stop(observation, stopped))
                    .doOnCancel(() -> stop(observation, stopped))
                    .contextWrite(inner -> inner.put(CURRENT, observation));
        });
    }

    private static void stop(Observation observation, AtomicBoolean stopped) {
        if (stopped.compareAndSet(false, true)) {
            observation.stop();
        }
    }

    private static String outcome(Throwable error) {
        if (error instanceof LoginRequiredException
                || (error instanceof OAuthErrorException refused && refused.requiresLogin())) {
            return "login_required";
        }
        return error instanceof OAuthErrorException || error instanceof RequestRejectedException
                ? "rejected"
                : "unavailable";
    }

    private static String errorType(Throwable error) {
        if (error instanceof OAuthErrorException refused) {
            return OAUTH_ERRORS.contains(refused.error()) ? refused.error() : "other";
        }
        if (error instanceof RequestRejectedException rejected) {
            return status(rejected.status());
        }
        if (error instanceof TokenUnavailableException unavailable) {
            return unavailable.status() != 0
                    ? status(unavailable.status())
                    : isTimeout(unavailable)
                            ? "timeout"
                            : unavailable.reason().name().toLowerCase(Locale.ROOT);
        }
        return "other";
    }

    /** A status of HTTP has three digits; a server may send others. */
    private static String status(int status) {
        return status >= 100 && status <= 599 ? Integer.toString(status) : "other";
    }

    private static boolean isTimeout(Throwable error) {
        for (Throwable cause = error; cause != null; cause = cause.getCause()) {
            if (cause instanceof TimeoutException
                    || cause.getClass().getSimpleName().endsWith("TimeoutException")) {
                return true;
            }
        }
        return false;
    }
}
