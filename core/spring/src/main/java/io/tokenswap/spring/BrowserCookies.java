package io.tokenswap.spring;

import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpCookie;
import org.springframework.http.ResponseCookie;
import org.springframework.http.server.reactive.ServerHttpRequest;

/** Cookies that no script can read, and that other sites cannot have sent, except by a link. */
final class BrowserCookies {

    private final PublicUri publicUri;

    BrowserCookies(PublicUri publicUri) {
        this.publicUri = publicUri;
    }

    /** The prefix keeps other hosts of the same domain from setting the cookie. Browsers accept it with https only. */
    String name(String name) {
        return publicUri.isSecure() ? "__Host-" + name : name;
    }

    static @Nullable String read(ServerHttpRequest request, String name) {
        HttpCookie cookie = request.getCookies().getFirst(name);
        return cookie == null ? null : cookie.getValue();
    }

    ResponseCookie set(String name, String value, Duration age) {
        return ResponseCookie.from(name, value)
                .httpOnly(true)
                .secure(publicUri.isSecure())
                .sameSite("Lax")
                .path("/")
                .maxAge(age)
                .build();
    }

    ResponseCookie remove(String name) {
        return set(name, "", Duration.ZERO);
    }
}
