package io.tokenswap.samples.exchange;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.tokenswap.KeyRing;
import io.tokenswap.internal.Speculation;
import io.tokenswap.internal.UrlEncoded;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.netty.http.server.HttpServerRequest;

/**
 * Second hop of the browser, from the provider back to the application, with the code or the provider's error. The
 * destination comes only from the sealed state.
 *
 * <p>A browser may send the same redirect twice, for example after a lost response. Within a minute the same request from
 * the same browser gets the same redirect. Another request with the same state is refused.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2">RFC 6749 section 4.1.2</a>
 */
final class CallbackRoute {

    private static final Pattern CODE = Pattern.compile("[\\x20-\\x7E]{1,5000}");
    private static final Pattern ERROR = Pattern.compile("[\\x20\\x21\\x23-\\x5B\\x5D-\\x7E]{1,256}");
    private static final Pattern NOT_IN_DESCRIPTION = Pattern.compile("[^\\x20\\x21\\x23-\\x5B\\x5D-\\x7E]");
    private static final int LONGEST_DESCRIPTION = 256;

    private static final Duration REPEATABLE = Duration.ofMinutes(1);
    private static final long LARGEST_MEMORY = 16L * 1024 * 1024;

    /** Length above which a Location is logged, because some proxies accept only 4 KiB of response headers. */
    private static final int LONG_LOCATION = 3_500;

    private static final Logger log = LoggerFactory.getLogger(CallbackRoute.class);

    private final @Nullable String issuer;
    private final PublicUrl publicUrl;
    private final Seals seals;
    private final InstantSource clock;
    private final Cache<String, Outcome> outcomes = Caffeine.newBuilder()
            .expireAfterWrite(PendingLogin.LIFE)
            .maximumWeight(LARGEST_MEMORY)
            .<String, Outcome>weigher((state, outcome) -> 400 + state.length() + 2 * outcome.query.length())
            .executor(Runnable::run)
            .build();
    private final AtomicBoolean longLocationReported = new AtomicBoolean();

    /** @param issuer the issuer that each response of the provider names, or null where it names none */
    CallbackRoute(@Nullable String issuer, PublicUrl publicUrl, Seals seals, InstantSource clock) {
        this.issuer = issuer;
        this.publicUrl = publicUrl;
        this.seals = seals;
        this.clock = clock;
    }

    ServerResponse handle(HttpServerRequest request) {
        if (isSpeculative(request)) {
            throw new ErrorResponse(
                    503,
                    "temporarily_unavailable",
                    "A preview does not sign in",
                    ErrorResponse.retryAfter(Duration.ZERO));
        }
        RequestTarget target = RequestTarget.of(request);
        Map<String, String> parameters = target.parameters();
        String state = parameters.getOrDefault("state", "");
        PendingLogin login = open(state);
        LoginCookie cookie = LoginCookie.of(publicUrl, state);
        String browser = cookie.in(request);
        if (browser == null || !login.isOf(browser)) {
            throw ErrorResponse.invalidRequest("It was started in another browser, or has already ended");
        }
        if (issuer != null && !issuer.equals(parameters.get("iss"))) {
            // RFC 9207 section 2.4: a response of another provider, whose code must not reach this one's token URL.
            throw ErrorResponse.invalidRequest("It was not the configured provider that sent it");
        }
        Outcome fresh = new Outcome(
                target.query(),
                respond(login, cookie, browser, parameters),
                clock.instant().plus(REPEATABLE));
        Outcome first = outcomes.asMap().putIfAbsent(state, fresh);
        if (first == null) {
            return fresh.response;
        }
        if (!first.query.equals(target.query()) || !clock.instant().isBefore(first.repeatableUntil)) {
            throw ErrorResponse.invalidRequest("It has already ended");
        }
        return first.response;
    }

    private PendingLogin open(String state) {
        try {
            return PendingLogin.open(seals, state);
        } catch (KeyRing.OpenException refused) {
            throw refused.reason() == KeyRing.OpenException.Reason.NEWER_KEY ? Seals.unknownYet() : notStartedHere();
        } catch (UncheckedIOException otherVersion) {
            throw notStartedHere();
        }
    }

    private static ErrorResponse notStartedHere() {
        return ErrorResponse.invalidRequest(
                "It was not started here, or more than ten minutes ago, or before this server was updated");
    }

    private ServerResponse respond(
            PendingLogin login, LoginCookie cookie, String browser, Map<String, String> parameters) {
        Map<String, String> query = query(login, parameters);
        query.put("state", login.state());
        String location = Uris.append(login.returnUri(), UrlEncoded.formatQuery(query));
        if (location.length() > LONG_LOCATION && longLocationReported.compareAndSet(false, true)) {
            log.warn(
                    "The provider's codes are long: a redirect has {} bytes. A proxy in front needs larger buffers for"
                            + " response headers, for example proxy_buffer_size 16k in nginx.",
                    location.length());
        }
        // 303 and never 307: the application gets a plain GET.
        return ServerResponse.redirect(303, location).withCookies(List.of(cookie.set(browser, REPEATABLE)));
    }

    private Map<String, String> query(PendingLogin login, Map<String, String> parameters) {
        String code = value(parameters, "code");
        String error = value(parameters, "error");
        Map<String, String> query = new LinkedHashMap<>();
        if (code != null && error != null) {
            throw ErrorResponse.invalidRequest("The provider sent both a code and an error");
        }
        if (code != null) {
            if (!CODE.matcher(code).matches()) {
                throw ErrorResponse.invalidRequest(
                        "The provider sent a code that is longer than 5,000 characters, or not in printable ASCII");
            }
            query.put("code", new SealedCode(code, login.challenge(), login.returnUri()).seal(seals));
        } else if (error != null) {
            query.put("error", ERROR.matcher(error).matches() ? error : "server_error");
            String description = value(parameters, "error_description");
            if (description != null) {
                String filtered = NOT_IN_DESCRIPTION.matcher(description).replaceAll("?");
                query.put("error_description", filtered.substring(0, Math.min(filtered.length(), LONGEST_DESCRIPTION)));
            }
        } else {
            throw ErrorResponse.invalidRequest("The provider sent neither a code nor an error");
        }
        return query;
    }

    /** @see <a href="https://www.rfc-editor.org/rfc/rfc6749#section-3.1">RFC 6749 section 3.1</a> */
    private static @Nullable String value(Map<String, String> parameters, String name) {
        String value = parameters.get(name);
        return value == null || value.isEmpty() ? null : value;
    }

    /** Returns true for a request of a browser that loads a page ahead of a navigation. */
    private static boolean isSpeculative(HttpServerRequest request) {
        return Speculation.HEADERS.stream().anyMatch(request.requestHeaders()::contains);
    }

    private record Outcome(String query, ServerResponse response, Instant repeatableUntil) {}
}
