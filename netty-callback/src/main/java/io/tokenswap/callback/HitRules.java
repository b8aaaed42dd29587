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
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Lets one thing through: a browser that navigates a tab to a path on which a login waits. Everything else comes from a script,
 * from a page that embeds ours, from another program, or from a proxy that reads HTTP in its own way.
 */
final class HitRules {

    private static final Set<String> HOSTS = Set.of("localhost", "127.0.0.1", "[::1]");
    private static final String HTTP = "http://";

    private HitRules() {}

    /**
     * Why a request is refused.
     *
     * @param port the port that it came to
     * @param path whether a login waits on a path
     * @return the status of the refusal, or null for a request that may be judged
     */
    static @Nullable HttpResponseStatus refusal(HttpRequest request, int port, Predicate<? super String> path) {
        HttpResponseStatus malformed = malformed(request);
        if (malformed != null) {
            return malformed;
        }
        HttpResponseStatus wrongHost = wrongHost(request, port);
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
        if (!path.test(path(originForm(request.uri())))) {
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
                // Two readers may see different ends of such a request (RFC 9112 section 11.2), and none of ours has a
                // body.
                || headers.contains(HttpHeaderNames.TRANSFER_ENCODING)
                || headers.containsValue(HttpHeaderNames.UPGRADE, HttpHeaderValues.WEBSOCKET, true);
        return unclear ? HttpResponseStatus.BAD_REQUEST : null;
    }

    /** A name that is not ours means that somebody's DNS points it here, to make us same-origin with a page of theirs. */
    private static @Nullable HttpResponseStatus wrongHost(HttpRequest request, int port) {
        List<String> hosts = request.headers().getAll(HttpHeaderNames.HOST);
        if (hosts.size() != 1) {
            return HttpResponseStatus.BAD_REQUEST;
        }
        HttpResponseStatus wrong = wrongAuthority(hosts.get(0), port);
        String target = request.uri();
        return wrong != null || !isAbsolute(target)
                ? wrong
                : wrongAuthority(target.substring(HTTP.length(), authorityEnd(target)), port);
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

    /** Browsers send these headers and let no script forge them; where they are absent it is an old browser or no browser. */
    private static boolean isNavigation(HttpHeaders headers) {
        return !headers.contains(HttpHeaderNames.ORIGIN)
                && isAbsentOr(headers, "Sec-Fetch-Mode", "navigate")
                && isAbsentOr(headers, "Sec-Fetch-Dest", "document")
                && !headers.contains("Sec-Purpose")
                && !headers.contains("Purpose");
    }

    private static boolean isAbsentOr(HttpHeaders headers, String name, String value) {
        return headers.getAll(name).stream().allMatch(value::equals);
    }

    /** The target without scheme and authority, which {@link #refusal} has checked. Never decoded, never normalised. */
    static String originForm(String target) {
        return isAbsolute(target) ? target.substring(authorityEnd(target)) : target;
    }

    static String path(String originForm) {
        int query = originForm.indexOf('?');
        return query < 0 ? originForm : originForm.substring(0, query);
    }

    static @Nullable String query(String originForm) {
        int query = originForm.indexOf('?');
        return query < 0 ? null : originForm.substring(query + 1);
    }

    private static boolean isAbsolute(String target) {
        return target.regionMatches(true, 0, HTTP, 0, HTTP.length());
    }

    private static int authorityEnd(String target) {
        for (int i = HTTP.length(); i < target.length(); i++) {
            if (target.charAt(i) == '/' || target.charAt(i) == '?') {
                return i;
            }
        }
        return target.length();
    }
}
