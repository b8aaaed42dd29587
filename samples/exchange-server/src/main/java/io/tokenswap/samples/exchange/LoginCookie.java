package io.tokenswap.samples.exchange;

import io.netty.handler.codec.http.cookie.Cookie;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;
import reactor.netty.http.server.HttpServerRequest;

/**
 * Ties a login to the browser that started it, so that a code that a stranger's link obtained cannot be brought home by
 * somebody else's browser. Each login has a cookie of its own, named after the end of its sealed state, so that logins in
 * several tabs do not disturb each other.
 */
record LoginCookie(String name, String attributes) {

    static LoginCookie of(PublicUrl publicUrl, String sealedState) {
        String id = sealedState.substring(Math.max(0, sealedState.length() - 10));
        // Browsers keep a __Host- cookie only if it is Secure, which plain http on this machine cannot be.
        return publicUrl.isSecure()
                ? new LoginCookie("__Host-login-" + id, "; Path=/; HttpOnly; SameSite=Lax; Secure")
                : new LoginCookie("login-" + id, "; Path=/; HttpOnly; SameSite=Lax");
    }

    String set(String value, Duration life) {
        return name + "=" + value + "; Max-Age=" + life.toSeconds() + attributes;
    }

    String clear() {
        return name + "=; Max-Age=0" + attributes;
    }

    /** What the browser sent under this name; null for nothing, or for more than one. */
    @SuppressWarnings("UndefinedEquals") // the names in that map are strings
    @Nullable String in(HttpServerRequest request) {
        List<Cookie> cookies = request.allCookies().getOrDefault(name, List.of());
        return cookies.size() == 1 ? cookies.get(0).value() : null;
    }
}
