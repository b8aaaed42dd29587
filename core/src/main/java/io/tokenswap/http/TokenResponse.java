package io.tokenswap.http;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpHeaders;
import io.tokenswap.OAuthErrorException;
import io.tokenswap.RequestRejectedException;
import io.tokenswap.Token;
import io.tokenswap.TokenSwapException;
import io.tokenswap.TokenUnavailableException;
import io.tokenswap.TokenUnavailableException.Reason;
import io.tokenswap.internal.Json;
import io.tokenswap.internal.UrlEncoded;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A complete response and its meaning: a token, or exactly one exception. Has no side effects.
 *
 * <p>The error code of an OAuth error body counts more than the status, because the PHP server sends errors with status
 * 200. A status that reports an outage is the exception. Such a server has not examined the grant, so its body is never
 * taken as the end of the grant.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc6749#section-5">RFC 6749 section 5</a>
 */
final class TokenResponse {

    /** Limit of a body. One byte more is read, which marks a body that was cut. */
    static final int LONGEST_BODY = 64 * 1024;

    /** Spellings of {@code invalid_grant} in the field, some of them in a member named {@code error_code}. */
    private static final Set<String> DEAD_GRANTS =
            Set.of("bad_refresh_token", "bad_verification_code", "refresh_token_not_found");

    /** Error codes of RFC 6749 section 4.1.2.1 that mean the same as status 500 and 503. */
    private static final Set<String> OUTAGES = Set.of("server_error", "temporarily_unavailable");

    /** The error codes of RFC 6749 section 5.2. */
    private static final Set<String> REGISTERED = Set.of(
            "invalid_request",
            "invalid_client",
            "invalid_grant",
            "unauthorized_client",
            "unsupported_grant_type",
            "invalid_scope");

    /** Status codes, besides redirects, for which a wrong dialect is a likely cause. */
    private static final Set<Integer> MISUNDERSTOOD = Set.of(400, 404, 405, 415);

    /** Form of an error code, which for example "Not Found" does not have. */
    private static final Pattern CODE = Pattern.compile("[a-z][a-z0-9_]*");

    /** Error codes of a server that did not find its parameters where it expected them. */
    private static final Set<String> MISREAD = Set.of("invalid_request", "unsupported_grant_type");

    private final TokenRequest request;
    private final int status;
    private final HttpHeaders headers;
    private final byte[] body;

    TokenResponse(TokenRequest request, int status, HttpHeaders headers, byte[] body) {
        this.request = request;
        this.status = status;
        this.headers = headers;
        this.body = body;
    }

    /**
     * Returns the token, or throws the exception that the response means.
     *
     * @param leftAt the time at which the request left
     * @param now the time, from which {@code Retry-After} counts
     */
    Token token(Instant leftAt, Instant now) {
        Map<String, @Nullable Object> members = members();
        String error = error(members);
        if (status != 200) {
            throw refusal(error, members, now);
        }
        if (members.get("access_token") != null && isError(members.get("error"))) {
            throw malformed("it holds both a token and an error");
        }
        if (error == null) {
            boolean strict = request.server().strict();
            if (strict && !isPrescribedType() && !isRotated(members)) {
                throw malformed("its content type is not application/json");
            }
            return new TokenResponseParser(members, strict, this::malformed)
                    .token(leftAt, request.scopes(), request.presentedRefreshToken());
        }
        throw oauthError(error, members);
    }

    private static @Nullable String error(Map<String, @Nullable Object> members) {
        String error = members.get("error") instanceof String text && !text.isEmpty() ? text : null;
        String code = members.get("error_code") instanceof String text ? text : "";
        return DEAD_GRANTS.contains(code) || (error != null && DEAD_GRANTS.contains(error))
                ? OAuthErrorException.INVALID_GRANT
                : error;
    }

    /**
     * Returns true if the response replaces the presented refresh token. Such a response is accepted in any form,
     * because its token must not be lost.
     */
    private boolean isRotated(Map<String, @Nullable Object> members) {
        String presented = request.presentedRefreshToken();
        return presented != null
                && members.get("refresh_token") instanceof String next
                && !next.isEmpty()
                && !next.equals(presented);
    }

    /** Returns the members of the body, or none if it is neither one JSON object nor a form that holds a token or an error. */
    private Map<String, @Nullable Object> members() {
        // Not requested, so not unpacked: a few packed bytes may hold any amount.
        boolean packed = headers.contains(HttpHeaderNames.CONTENT_ENCODING)
                && !headers.contains(HttpHeaderNames.CONTENT_ENCODING, "identity", true);
        if (packed || body.length > LONGEST_BODY) {
            return Map.of();
        }
        Map<String, @Nullable Object> members = Json.readObject(body);
        return members == null ? formMembers() : members;
    }

    private Map<String, @Nullable Object> formMembers() {
        Map<String, String> form = UrlEncoded.parseUnique(new String(body, StandardCharsets.ISO_8859_1));
        return form != null && (form.containsKey("access_token") || form.containsKey("error"))
                ? new LinkedHashMap<>(form)
                : Map.of();
    }

    /**
     * Returns true if the member reports an error. Servers also send a number, an object or a list, and {@code false}
     * for no error.
     */
    private static boolean isError(@Nullable Object error) {
        return error != null && !error.equals("") && !error.equals(false);
    }

    private boolean isPrescribedType() {
        String type =
                headers.get(HttpHeaderNames.CONTENT_TYPE, "").split(";", 2)[0].strip();
        return HttpHeaderValues.APPLICATION_JSON.contentEqualsIgnoreCase(type);
    }

    private TokenSwapException refusal(@Nullable String error, Map<String, @Nullable Object> members, Instant now) {
        Instant retryAt = RetryAfter.latest(headers.getAll(HttpHeaderNames.RETRY_AFTER), now);
        if (status == 429) {
            return unavailable("limits the rate of requests", Reason.THROTTLED, retryAt);
        }
        if (status == 408) {
            // A gateway may send this status for a request that it has forwarded.
            return unavailable("timed out", Reason.RESPONSE_LOST, retryAt);
        }
        if (status == 425) {
            return unavailable("rejected the request as too early", untouched(), retryAt);
        }
        if (status >= 500 && status < 600) {
            // Our exchange server adds this member if the provider was certainly not called.
            boolean untouched = "no".equals(members.get("processed"));
            return unavailable("is temporarily unavailable", untouched ? untouched() : Reason.RESPONSE_LOST, retryAt);
        }
        if (status < 300 || status >= 600) {
            return malformed("no token comes with that status");
        }
        return error == null || !isOfOAuth(error) ? rejected() : oauthError(error, members);
    }

    /**
     * Returns the reason for a request that was certainly not processed. A code is nevertheless sent only once, because
     * every server that has seen it may remember it.
     */
    private Reason untouched() {
        return request.isSwap() ? Reason.RESPONSE_LOST : Reason.NOT_SENT;
    }

    /**
     * Returns true if the error comes from the token endpoint. A redirect does not, and frameworks have texts for a
     * status too.
     */
    private boolean isOfOAuth(String error) {
        return status >= 400 && (status == 400 || CODE.matcher(error).matches());
    }

    private TokenSwapException oauthError(String error, Map<String, @Nullable Object> members) {
        if (OUTAGES.contains(error)) {
            return unavailable("reports that it is temporarily unavailable", Reason.RESPONSE_LOST, null);
        }
        String description = members.get("error_description") instanceof String text ? text : null;
        return new OAuthErrorException(
                // A word of the RFC is no echo, even if a client has sent "grant" as its refresh token.
                REGISTERED.contains(error) || !request.isEchoedIn(error) ? error : "",
                description == null || request.isEchoedIn(description) ? null : description,
                status,
                hint(error));
    }

    private String hint(String error) {
        if (OAuthErrorException.INVALID_GRANT.equals(error) && request.isSwap()) {
            return "The code was not accepted: it works once and for some minutes, and only with the redirect URI and the verifier"
                    + " of its login. Start a new login.";
        }
        if (OAuthErrorException.INVALID_GRANT.equals(error)) {
            return "";
        }
        if (status == 400 && !REGISTERED.contains(error)) {
            return request.server().configuration()
                    + " Some exchange servers report every failure so, also one that passes: if requests succeeded before, try again"
                    + " later." + request.server().hint();
        }
        return request.server().configuration()
                + (isMisunderstanding(error) ? request.server().hint() : "");
    }

    private boolean isMisunderstanding(String error) {
        return REGISTERED.contains(error) ? MISREAD.contains(error) : MISUNDERSTOOD.contains(status);
    }

    private RequestRejectedException rejected() {
        String remedy = switch (status) {
            case 401, 403 -> "It wants another authentication: does it ask for an API key?";
            case 404, 410 -> "Nothing is served there: check the URL.";
            case 405 -> "It takes no POST there: check the URL.";
            case 407 -> "That is a proxy asking for a login: configure it on the HttpClient.";
            case 413, 414, 431 -> "The request is too big for it.";
            case 415 -> "It does not read that kind of body.";
            default ->
                status < 400
                        ? "It redirects, and a token request follows no redirect: check the URL."
                        : "Check the URL and the server's log.";
        };
        String hint = status < 400 || MISUNDERSTOOD.contains(status)
                ? request.server().hint()
                : "";
        return new RequestRejectedException(
                request.server() + " refused the request with status " + status + ". " + remedy + hint, status);
    }

    private TokenUnavailableException unavailable(String what, Reason reason, @Nullable Instant retryAt) {
        return new TokenUnavailableException(
                request.server() + " " + what + " (status " + status + "). Try again later.",
                reason,
                retryAt,
                null,
                status);
    }

    private TokenUnavailableException malformed(String why) {
        return new TokenUnavailableException(
                request.server() + " responded with status " + status + ", but " + why
                        + ". Does something else respond at that URL, for example a sign-in page of the network?",
                Reason.INVALID_RESPONSE,
                null,
                null,
                status);
    }
}
