package io.tokenswap.spring;

import io.tokenswap.internal.Sha256;
import java.time.Duration;
import java.util.Base64;
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

    /**
     * Returns the name of a cookie of the service that a request was sent to. The prefix keeps other hosts of the same domain
     * from setting the cookie. Browsers accept it with https only, and with the path {@code /}. Services under different paths
     * of one host therefore have cookies of different names.
     */
    String name(ServerHttpRequest request, String name) {
        String path = publicUri.basePath(request);
        String service = path.isEmpty()
                ? "tokenswap-"
                : "tokenswap."
                        + Base64.getUrlEncoder()
                                .withoutPadding()
                                .encodeToString(Sha256.of(path))
                                .substring(0, 8) + "-";
        return (publicUri.isSecure() ? "__Host-" : "") + service + name;
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
