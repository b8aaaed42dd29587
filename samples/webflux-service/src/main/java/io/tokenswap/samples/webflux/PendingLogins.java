package io.tokenswap.samples.webflux;

import io.tokenswap.AuthorizationRequest;
import io.tokenswap.AuthorizationResponse;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;

/**
 * Logins that wait for their redirect, each bound to the browser that began it. A login cannot be finished in another
 * browser, so an attacker cannot sign another user in to the attacker's account.
 */
@Component
final class PendingLogins {

    static final Duration LIFE = Duration.ofMinutes(10);
    private static final int BROWSERS = 10_000;
    /** Number of logins of one browser: a user who clicks in several tabs may finish in any of them. */
    private static final int LOGINS_OF_A_BROWSER = 4;

    private final ExpiringMap<List<AuthorizationRequest>> browsers;

    PendingLogins(InstantSource clock) {
        this.browsers = new ExpiringMap<>(BROWSERS, LIFE, clock, forgotten -> {});
    }

    synchronized void add(String browser, AuthorizationRequest login) {
        browsers.put(
                browser,
                Stream.concat(Stream.of(login), of(browser).stream())
                        .limit(LOGINS_OF_A_BROWSER)
                        .toList());
    }

    /**
     * Validates a redirect. A redirect that ends a login removes the login, so the same redirect is ignored the second time.
     */
    synchronized AuthorizationResponse validate(@Nullable String browser, @Nullable String rawQuery) {
        List<AuthorizationRequest> logins = browser == null ? null : browsers.get(browser);
        if (browser != null && logins != null) {
            for (AuthorizationRequest login : logins) {
                AuthorizationResponse response = login.validate(rawQuery);
                if (!(response instanceof AuthorizationResponse.Ignored)) {
                    browsers.put(
                            browser,
                            logins.stream().filter(other -> other != login).toList());
                    return response;
                }
            }
        }
        return new AuthorizationResponse.Ignored("No login of this browser waits for this redirect");
    }

    synchronized boolean isKnown(String browser) {
        return browsers.get(browser) != null;
    }

    private List<AuthorizationRequest> of(String browser) {
        List<AuthorizationRequest> logins = browsers.get(browser);
        return logins == null ? List.of() : logins;
    }
}
