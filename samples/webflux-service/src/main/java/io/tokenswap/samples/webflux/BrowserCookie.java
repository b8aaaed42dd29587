package io.tokenswap.samples.webflux;

import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpCookie;
import org.springframework.http.ResponseCookie;
import org.springframework.http.server.reactive.ServerHttpRequest;

/**
 * Cookie with a secret of a browser. Scripts cannot read it, and requests of other sites do not carry it, except for links.
 */
record BrowserCookie(String name, boolean secure) {

    static BrowserCookie of(String name, PublicUrl publicUrl) {
        // The prefix keeps other hosts of the same domain from setting it; browsers allow it with https only.
        return publicUrl.isSecure()
                ? new BrowserCookie("__Host-" + name, true)
                : new BrowserCookie("tokenswap-" + name, false);
    }

    @Nullable String in(ServerHttpRequest request) {
        HttpCookie cookie = request.getCookies().getFirst(name);
        return cookie == null ? null : cookie.getValue();
    }

    /** Returns the cookie with a value. Without an age it ends with the browser. */
    ResponseCookie set(String value, @Nullable Duration age) {
        ResponseCookie.ResponseCookieBuilder cookie = ResponseCookie.from(name, value)
                .httpOnly(true)
                .sameSite("Lax")
                .path("/")
                .secure(secure);
        return (age == null ? cookie : cookie.maxAge(age)).build();
    }

    ResponseCookie clear() {
        return set("", Duration.ZERO);
    }
}
