package io.tokenswap.samples.exchange;

import io.tokenswap.internal.UrlEncoded;
import java.net.URI;
import java.time.InstantSource;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import reactor.netty.http.server.HttpServerRequest;

/** First hop of the browser, from the application to the provider. The client is this server. */
final class AuthorizeRoute {

    private final ExchangeServerConfig config;
    private final PublicUrl publicUrl;
    private final Seals seals;
    private final InstantSource clock;

    AuthorizeRoute(ExchangeServerConfig config, PublicUrl publicUrl, Seals seals, InstantSource clock) {
        this.config = config;
        this.publicUrl = publicUrl;
        this.seals = seals;
        this.clock = clock;
    }

    ServerResponse handle(HttpServerRequest request) {
        RequestTarget target = RequestTarget.of(request);
        AuthorizeRequest login = AuthorizeRequest.of(target.parameters(), config);
        if (publicUrl.isAliasedBy(request.requestHeaders().get("Host"))) {
            return ServerResponse.redirect(302, publicUrl.resolve(target.path() + "?" + target.query()));
        }
        String browser = LoginCookie.value(clock.instant());
        String state = new PendingLogin(login.returnUri(), login.state(), browser, login.challenge()).seal(seals);
        String providerUrl = providerUrl(login, state);
        // A link that somebody prepared must not ride on an old consent. The link of the page works in this browser
        // only: its
        // state is bound to the cookie, which the author of a prepared link cannot know.
        ServerResponse response = AllowedRedirectUris.isLoopback(login.returnUri())
                ? ServerResponse.redirect(302, providerUrl)
                : Page.confirm(URI.create(login.returnUri()), providerUrl);
        String cookie = LoginCookie.of(publicUrl, state).set(browser, PendingLogin.LIFE);
        List<String> oldest = LoginCookie.clearOldest(publicUrl, request);
        return response.withCookies(
                Stream.concat(Stream.of(cookie), oldest.stream()).toList());
    }

    private String providerUrl(AuthorizeRequest login, String state) {
        Map<String, String> query = new LinkedHashMap<>();
        query.put("client_id", config.clientId);
        query.put("response_type", "code");
        query.put("redirect_uri", publicUrl.callback().toString());
        if (!login.scopes().isEmpty()) {
            query.put("scope", String.join(" ", login.scopes()));
        }
        query.put("state", state);
        query.put("show_dialog", String.valueOf(login.showDialog()));
        if (login.challenge() != null) {
            query.put("code_challenge", login.challenge());
            query.put("code_challenge_method", "S256");
        }
        return Uris.append(config.authorizeUri.toString(), UrlEncoded.formatQuery(query));
    }
}
