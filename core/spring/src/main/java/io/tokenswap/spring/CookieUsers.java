package io.tokenswap.spring;

import io.tokenswap.internal.RandomBytes;
import io.tokenswap.internal.Sha256;
import java.time.Duration;
import java.util.Base64;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.springframework.http.ResponseCookie;
import org.springframework.web.server.ServerWebExchange;
import reactor.core.publisher.Mono;

/**
 * Users by a random cookie that is new at each sign-in. The name of the user is the hash of the cookie, so that neither
 * a log nor a heap dump of the sessions signs anybody in.
 */
final class CookieUsers implements UserKeyResolver {

    private static final Pattern ID = Pattern.compile("[A-Za-z0-9_-]{43}");

    private final BrowserCookies cookies;
    private final Duration age;

    CookieUsers(BrowserCookies cookies, Duration age) {
        this.cookies = cookies;
        this.age = age;
    }

    @Override
    public Mono<String> resolve(ServerWebExchange exchange) {
        return Mono.fromSupplier(() -> currentKey(exchange));
    }

    @Nullable String currentKey(ServerWebExchange exchange) {
        String id = BrowserCookies.read(exchange.getRequest(), name(exchange));
        return id != null && ID.matcher(id).matches() ? key(id) : null;
    }

    /** Returns a new id of 256 random bits. */
    static String newId() {
        return RandomBytes.base64Url(32);
    }

    static String key(String id) {
        return Base64.getUrlEncoder().withoutPadding().encodeToString(Sha256.of(id));
    }

    ResponseCookie cookie(ServerWebExchange exchange, String id) {
        return cookies.set(name(exchange), id, age);
    }

    ResponseCookie removal(ServerWebExchange exchange) {
        return cookies.remove(name(exchange));
    }

    private String name(ServerWebExchange exchange) {
        return cookies.name(exchange.getRequest(), "user");
    }
}
