package io.tokenswap.samples.exchange;

import io.tokenswap.internal.UrlEncoded;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Map;
import reactor.netty.http.server.HttpServerRequest;

/** The first hop of the browser: from the application to the provider, as this server's client. */
final class AuthorizeRoute {

    static final Duration LIFE = Duration.ofMinutes(10);

    private final ExchangeServerConfig config;
    private final PublicUrl publicUrl;
    private final Seal seal;
    private final InstantSource clock;
    private final SecureRandom random;

    AuthorizeRoute(
            ExchangeServerConfig config, PublicUrl publicUrl, Seal seal, InstantSource clock, SecureRandom random) {
        this.config = config;
        this.publicUrl = publicUrl;
        this.seal = seal;
        this.clock = clock;
        this.random = random;
    }

    ServerResponse handle(HttpServerRequest request) {
        RequestTarget target = RequestTarget.of(request);
        AuthorizeRequest asked = AuthorizeRequest.of(target.parameters(), config);
        if (publicUrl.isAliasedBy(request.requestHeaders().get("Host"))) {
            return ServerResponse.redirect(302, publicUrl.resolve(target.path() + "?" + target.query()));
        }
        String browser = randomText();
        String state =
                new PendingLogin(clock.instant().plus(LIFE), asked.returnUri(), asked.state(), browser).seal(seal);
        return ServerResponse.redirect(302, providerUrl(asked, state))
                .with("Set-Cookie", LoginCookie.of(publicUrl, state).set(browser, LIFE));
    }

    private String providerUrl(AuthorizeRequest asked, String state) {
        Map<String, String> query = new LinkedHashMap<>();
        query.put("client_id", config.clientId);
        query.put("response_type", "code");
        query.put("redirect_uri", publicUrl.callback().toString());
        if (!asked.scopes().isEmpty()) {
            query.put("scope", String.join(" ", asked.scopes()));
        }
        query.put("state", state);
        query.put("show_dialog", String.valueOf(asked.showDialog()));
        if (asked.challenge() != null) {
            query.put("code_challenge", asked.challenge());
            query.put("code_challenge_method", "S256");
        }
        return Uris.append(config.authorizeUri.toString(), UrlEncoded.formatQuery(query));
    }

    private String randomText() {
        byte[] bytes = new byte[32];
        random.nextBytes(bytes);
        return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    }
}
