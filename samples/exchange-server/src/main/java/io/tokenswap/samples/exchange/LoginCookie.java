package io.tokenswap.samples.exchange;

import io.netty.handler.codec.http.cookie.Cookie;
import io.tokenswap.internal.RandomBytes;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;
import reactor.netty.http.server.HttpServerRequest;

/**
 * Cookie that binds a login to the browser that started it. Otherwise an attacker could start a login, and the browser of
 * another user could finish it. Each login has its own cookie, named after the end of its sealed state, so logins in several
 * tabs do not disturb each other. A browser keeps only the {@value #MOST} newest: proxies refuse requests whose cookies are
 * too many.
 */
record LoginCookie(String name, String attributes) {

    static final int MOST = 10;

    /**
     * Number of cookies that one response clears. More would be too long for the buffers of some proxies; the next response
     * clears the rest.
     */
    private static final int CLEARED_AT_ONCE = 12;

    private static final String SECURE_PREFIX = "__Host-login-";
    private static final String PREFIX = "login-";

    static LoginCookie of(PublicUrl publicUrl, String sealedState) {
        String id = sealedState.substring(Math.max(0, sealedState.length() - 10));
        return named(publicUrl, prefix(publicUrl) + id);
    }

    private static LoginCookie named(PublicUrl publicUrl, String name) {
        // Browsers keep a __Host- cookie only if it is Secure, which plain http on this machine cannot be.
        return new LoginCookie(name, "; Path=/; HttpOnly; SameSite=Lax" + (publicUrl.isSecure() ? "; Secure" : ""));
    }

    private static String prefix(PublicUrl publicUrl) {
        return publicUrl.isSecure() ? SECURE_PREFIX : PREFIX;
    }

    /** Makes the secret that the cookie holds. It begins with the time, by which the oldest cookies are found. */
    static String value(Instant now) {
        return Long.toString(now.getEpochSecond(), Character.MAX_RADIX) + "." + RandomBytes.base64Url(32);
    }

    /** Clears the oldest cookies of a browser that is about to get one more. */
    static List<String> clearOldest(PublicUrl publicUrl, HttpServerRequest request) {
        String prefix = prefix(publicUrl);
        List<Cookie> logins = request.allCookies().values().stream()
                .flatMap(List::stream)
                .filter(cookie -> cookie.name().startsWith(prefix))
                .sorted(Comparator.comparingLong(LoginCookie::startedAt))
                .toList();
        return logins.stream()
                .limit(Math.min(Math.max(0, logins.size() - (MOST - 1)), CLEARED_AT_ONCE))
                .map(cookie -> named(publicUrl, cookie.name()).clear())
                .toList();
    }

    private static long startedAt(Cookie cookie) {
        String value = cookie.value();
        int dot = value.indexOf('.');
        try {
            return Long.parseLong(dot < 0 ? "" : value.substring(0, dot), Character.MAX_RADIX);
        } catch (NumberFormatException notOurs) {
            return 0;
        }
    }

    String set(String value, Duration life) {
        return name + "=" + value + "; Max-Age=" + life.toSeconds() + attributes;
    }

    private String clear() {
        return name + "=; Max-Age=0" + attributes;
    }

    /** Returns what the browser sent under this name; null for nothing, or for more than one. */
    @SuppressWarnings("UndefinedEquals") // the names in that map are strings
    @Nullable String in(HttpServerRequest request) {
        List<Cookie> cookies = request.allCookies().getOrDefault(name, List.of());
        return cookies.size() == 1 ? cookies.get(0).value() : null;
    }
}
