package io.tokenswap.samples.desktop;

import io.netty.handler.codec.http.cookie.ClientCookieDecoder;
import io.netty.handler.codec.http.cookie.Cookie;
import java.net.URI;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;

/**
 * Cookies of one sign-in, which ends long before a cookie expires. The cookie handler of the JDK adds the {@code $Version}
 * of RFC 2965 to a cookie with {@code Max-Age}, and today's servers read that as another cookie.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc6265#section-5.3">RFC 6265 section 5.3</a>
 */
final class CookieJar {

    /** Hosts that browsers trust without https, because the traffic does not leave the machine. */
    private static final Set<String> LOOPBACK = Set.of("127.0.0.1", "[::1]", "localhost");

    private final Map<Place, Cookie> cookies = new ConcurrentHashMap<>();

    /** Keeps what a server has set. */
    void keep(URI from, List<String> setCookies) {
        for (String setCookie : setCookies) {
            Cookie cookie = ClientCookieDecoder.LAX.decode(setCookie);
            if (cookie == null) {
                continue; // as a browser does
            }
            Place place = Place.of(cookie, from);
            if (cookie.maxAge() <= 0 && cookie.maxAge() != Cookie.UNDEFINED_MAX_AGE) {
                cookies.remove(place);
            } else if (place.reaches(from.getHost())) {
                cookies.put(place, cookie);
            }
        }
    }

    /** The header for a request, empty when there is nothing to send. */
    String header(URI to) {
        boolean secure = "https".equals(to.getScheme()) || LOOPBACK.contains(to.getHost());
        String path = path(to);
        return cookies.entrySet().stream()
                .filter(entry -> entry.getKey().reaches(to.getHost())
                        && entry.getKey().covers(path)
                        && (secure || !entry.getValue().isSecure()))
                .map(entry -> entry.getValue().name() + "=" + entry.getValue().value())
                .collect(Collectors.joining("; "));
    }

    private static String path(URI uri) {
        String path = uri.getRawPath();
        return path == null || path.isEmpty() ? "/" : path;
    }

    /** Identity and scope of a cookie. Browsers ignore the port. */
    private record Place(String name, String domain, boolean hostOnly, String path) {

        static Place of(Cookie cookie, URI from) {
            String domain = cookie.domain() == null ? "" : cookie.domain().replaceFirst("^\\.", "");
            boolean hostOnly = domain.isEmpty();
            String path = cookie.path() != null && cookie.path().startsWith("/")
                    ? cookie.path()
                    : directory(CookieJar.path(from));
            return new Place(
                    cookie.name(), (hostOnly ? from.getHost() : domain).toLowerCase(Locale.ROOT), hostOnly, path);
        }

        private static String directory(String path) {
            return path.substring(0, Math.max(1, path.lastIndexOf('/')));
        }

        boolean reaches(String host) {
            String name = host.toLowerCase(Locale.ROOT);
            return name.equals(domain) || (!hostOnly && name.endsWith("." + domain));
        }

        boolean covers(String target) {
            return target.equals(path) || target.startsWith(path.endsWith("/") ? path : path + "/");
        }
    }
}
