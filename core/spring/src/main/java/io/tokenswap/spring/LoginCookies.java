package io.tokenswap.spring;

import io.tokenswap.AuthorizationFailedException;
import io.tokenswap.AuthorizationRequest;
import io.tokenswap.KeyRing;
import io.tokenswap.internal.Sha256;
import io.tokenswap.internal.UrlEncoded;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.ResponseCookie;
import org.springframework.http.server.reactive.ServerHttpRequest;

/**
 * Sign-ins in progress, each in a sealed cookie of the browser that began it. So a sign-in cannot be finished in
 * another browser, several tabs work, and any instance with the keys can finish it.
 */
final class LoginCookies {

    static final Duration AGE = Duration.ofMinutes(10);

    /** The cookie outlives its sign-in by this time, so that the browser can repeat a request whose response was lost. */
    static final Duration REPEAT = Duration.ofMinutes(1);

    /** A user who clicks in several tabs can finish in any of them. More would not fit into the headers of a request. */
    private static final int AT_A_TIME = 4;

    private static final String PAGE = "page after a sign-in 1";

    private final BrowserCookies cookies;
    private final KeyRing keys;

    LoginCookies(BrowserCookies cookies, KeyRing keys) {
        this.cookies = cookies;
        this.keys = keys;
    }

    /**
     * A sign-in that the browser has begun.
     *
     * @param cookie the name of its cookie
     * @param sealed the value of its cookie
     * @param request its authorization request
     * @param page the page that it began at, or null for none
     */
    record Login(
            String cookie,
            String sealed,
            AuthorizationRequest request,
            @Nullable String page) {}

    /** Returns the cookie of a new sign-in, and the removal of those for which there is no room any more. */
    List<ResponseCookie> begin(ServerHttpRequest current, AuthorizationRequest login, @Nullable String page) {
        List<ResponseCookie> changes = new ArrayList<>();
        List<String> others = namesOldestFirst(current);
        others.stream()
                .limit(Math.max(0, others.size() - (AT_A_TIME - 1)))
                .forEach(name -> changes.add(cookies.remove(name)));
        String name = name(current, state(login.uri().getRawQuery()));
        String sealed = login.seal(keys);
        String value =
                page == null ? sealed : sealed + "." + keys.seal(PAGE, name, page.getBytes(StandardCharsets.US_ASCII));
        changes.add(cookies.set(name, value, AGE));
        return changes;
    }

    /**
     * Finds the sign-in that a redirect belongs to.
     *
     * @return the sign-in, or null if this browser has begun none with that state
     * @throws AuthorizationFailedException if the sign-in is too old, or was sealed with a key that is not known here
     */
    @Nullable Login find(ServerHttpRequest redirect) {
        String state = state(redirect.getURI().getRawQuery());
        if (state.isEmpty()) {
            return null;
        }
        String name = name(redirect, state);
        String value = BrowserCookies.read(redirect, name);
        if (value == null) {
            return null;
        }
        String[] parts = value.split("\\.", -1);
        AuthorizationRequest request = AuthorizationRequest.unseal(parts[0], keys, AGE);
        return new Login(name, value, request, parts.length == 2 ? page(name, parts[1]) : null);
    }

    ResponseCookie keepForRepeats(Login login) {
        return cookies.set(login.cookie(), login.sealed(), REPEAT);
    }

    ResponseCookie removal(Login login) {
        return cookies.remove(login.cookie());
    }

    /** Browsers send the oldest cookie first (RFC 6265 section 5.4). The parsed cookies of a request have lost their order. */
    private List<String> namesOldestFirst(ServerHttpRequest request) {
        return request.getHeaders().getOrEmpty(HttpHeaders.COOKIE).stream()
                .flatMap(header -> Arrays.stream(header.split(";")))
                .map(pair -> pair.split("=", 2)[0].strip())
                .filter(name -> name.startsWith(prefix(request)))
                .distinct()
                .toList();
    }

    private @Nullable String page(String name, String sealed) {
        try {
            return ReturnPath.accepted(new String(keys.open(PAGE, name, sealed), StandardCharsets.US_ASCII));
        } catch (KeyRing.OpenException altered) {
            return null;
        }
    }

    /** The state of a query, empty if there is none or more than one. */
    private static String state(@Nullable String rawQuery) {
        Map<String, List<String>> query = UrlEncoded.parse(rawQuery == null ? "" : rawQuery);
        List<String> states = query == null ? List.of() : query.getOrDefault("state", List.of());
        return states.size() == 1 ? states.get(0) : "";
    }

    private String prefix(ServerHttpRequest request) {
        return cookies.name(request, "login-");
    }

    private String name(ServerHttpRequest request, String state) {
        return prefix(request)
                + Base64.getUrlEncoder()
                        .withoutPadding()
                        .encodeToString(Sha256.of(state))
                        .substring(0, 16);
    }
}
