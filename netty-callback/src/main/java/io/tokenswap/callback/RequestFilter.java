package io.tokenswap.callback;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.TooLongHttpHeaderException;
import io.netty.handler.codec.http.TooLongHttpLineException;
import io.tokenswap.internal.Speculation;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Filter that accepts one kind of request: a browser that navigates a tab to a path on which a login waits. All other
 * requests come from a script, from a page that embeds ours, from another program, or from a proxy that reads HTTP in
 * its own way.
 */
final class RequestFilter {

    private static final Set<String> HOSTS = Set.of("localhost", "127.0.0.1", "[::1]");

    private RequestFilter() {}

    /**
     * The parts of a request target. Never decoded, never normalized.
     *
     * @param authority host and port of a target in absolute form, otherwise null
     * @param path the path, empty if there is none
     * @param query the query, null if there is none
     * @see <a href="https://www.rfc-editor.org/rfc/rfc9112#section-3.2">RFC 9112 section 3.2</a>
     */
    record Target(
            @Nullable String authority,
            String path,
            @Nullable String query) {

        private static final String HTTP = "http://";

        static Target parse(String target) {
            int mark = target.indexOf('?');
            int pathEnd = mark < 0 ? target.length() : mark;
            String query = mark < 0 ? null : target.substring(mark + 1);
            if (!target.regionMatches(true, 0, HTTP, 0, HTTP.length())) {
                return new Target(null, target.substring(0, pathEnd), query);
            }
            int slash = target.indexOf('/', HTTP.length());
            int authorityEnd = slash < 0 || slash > pathEnd ? pathEnd : slash;
            return new Target(
                    target.substring(HTTP.length(), Math.max(HTTP.length(), authorityEnd)),
                    target.substring(authorityEnd, pathEnd),
                    query);
        }
    }

    /**
     * Judges everything of a request but its query.
     *
     * @param port the port that the request arrived at
     * @param isAwaited returns true if a login waits on a path
     * @return the status of the refusal, or null for a request that is accepted
     */
    static @Nullable HttpResponseStatus refusal(
            HttpRequest request, Target target, int port, Predicate<? super String> isAwaited) {
        HttpResponseStatus malformed = malformed(request);
        if (malformed != null) {
            return malformed;
        }
        HttpResponseStatus wrongHost = wrongHost(request, target, port);
        if (wrongHost != null) {
            return wrongHost;
        }
        if (!HttpMethod.GET.equals(request.method())) {
            return HttpResponseStatus.METHOD_NOT_ALLOWED;
        }
        HttpHeaders headers = request.headers();
        if (!"0".equals(headers.get(HttpHeaderNames.CONTENT_LENGTH, "0"))) {
            return HttpResponseStatus.BAD_REQUEST;
        }
        if (!isAwaited.test(target.path())) {
            return HttpResponseStatus.NOT_FOUND;
        }
        return isNavigation(headers) ? null : HttpResponseStatus.FORBIDDEN;
    }

    private static @Nullable HttpResponseStatus malformed(HttpRequest request) {
        if (request.decoderResult().isFailure()) {
            Throwable cause = request.decoderResult().cause();
            return cause instanceof TooLongHttpLineException
                    ? HttpResponseStatus.REQUEST_URI_TOO_LONG
                    : cause instanceof TooLongHttpHeaderException
                            ? HttpResponseStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
                            : HttpResponseStatus.BAD_REQUEST;
        }
        HttpHeaders headers = request.headers();
        if (headers.contains(HttpHeaderNames.EXPECT)) {
            return HttpResponseStatus.EXPECTATION_FAILED;
        }
        boolean unclear = !(HttpVersion.HTTP_1_1.equals(request.protocolVersion())
                        || HttpVersion.HTTP_1_0.equals(request.protocolVersion()))
                // Two readers may see different ends of such a request (RFC 9112 section 11.2). No redirect has a body.
                || headers.contains(HttpHeaderNames.TRANSFER_ENCODING)
                || headers.containsValue(HttpHeaderNames.UPGRADE, HttpHeaderValues.WEBSOCKET, true);
        return unclear ? HttpResponseStatus.BAD_REQUEST : null;
    }

    /**
     * Refuses a foreign host name. DNS of an attacker may resolve it to this machine, to make the attacker's page
     * same-origin.
     */
    private static @Nullable HttpResponseStatus wrongHost(HttpRequest request, Target target, int port) {
        List<String> hosts = request.headers().getAll(HttpHeaderNames.HOST);
        if (hosts.size() != 1) {
            return HttpResponseStatus.BAD_REQUEST;
        }
        HttpResponseStatus wrong = wrongAuthority(hosts.get(0), port);
        return wrong != null || target.authority() == null ? wrong : wrongAuthority(target.authority(), port);
    }

    private static @Nullable HttpResponseStatus wrongAuthority(String authority, int port) {
        int colon = authority.lastIndexOf(':');
        boolean hasPort = colon > authority.lastIndexOf(']');
        String host = (hasPort ? authority.substring(0, colon) : authority).toLowerCase(Locale.ROOT);
        String givenPort = hasPort ? authority.substring(colon + 1) : "80";
        if (host.isEmpty() || host.indexOf('@') >= 0 || !givenPort.equals(Integer.toString(port))) {
            return HttpResponseStatus.BAD_REQUEST;
        }
        return HOSTS.contains(host) ? null : HttpResponseStatus.MISDIRECTED_REQUEST;
    }

    /** Browsers send these headers and let no script forge them. Old browsers and other programs send none of them. */
    private static boolean isNavigation(HttpHeaders headers) {
        return !headers.contains(HttpHeaderNames.ORIGIN)
                && isAbsentOr(headers, "Sec-Fetch-Mode", "navigate")
                && isAbsentOr(headers, "Sec-Fetch-Dest", "document")
                && !isSpeculative(headers);
    }

    private static boolean isSpeculative(HttpHeaders headers) {
        for (String name : Speculation.HEADERS) {
            if (headers.contains(name)) {
                return true;
            }
        }
        return false;
    }

    private static boolean isAbsentOr(HttpHeaders headers, String name, String value) {
        for (String sent : headers.getAll(name)) {
            if (!sent.equals(value)) {
                return false;
            }
        }
        return true;
    }
}
