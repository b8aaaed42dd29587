package io.tokenswap.samples.exchange;

import io.tokenswap.AuthorizationCode;
import io.tokenswap.RefreshToken;
import io.tokenswap.Token;
import io.tokenswap.TokenEndpoint;
import io.tokenswap.TokenSwapException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.netty.http.server.HttpServerRequest;

/** The application's calls: swap and refresh, asked of the provider with the secret that only this server has. */
final class TokenRoute {

    private final TokenEndpoint provider;
    private final PublicUrl publicUrl;
    private final Predicate<String> knownRedirectUri;
    private final InstantSource clock;

    TokenRoute(TokenEndpoint provider, PublicUrl publicUrl, Predicate<String> knownRedirectUri, InstantSource clock) {
        this.provider = provider;
        this.publicUrl = publicUrl;
        this.knownRedirectUri = knownRedirectUri;
        this.clock = clock;
    }

    /** @param byPath what the path says, or null for the one URI that serves both */
    Mono<ServerResponse> handle(HttpServerRequest request, @Nullable GrantType byPath) {
        if (!RequestTarget.of(request).query().isEmpty()) {
            throw ErrorResponse.invalidRequest("Parameters belong in the body: a URL ends up in logs");
        }
        return RequestBody.parameters(request)
                .map(parameters -> TokenRequest.of(parameters, byPath))
                .flatMap(this::ask);
    }

    private Mono<ServerResponse> ask(TokenRequest request) {
        return send(request)
                .onErrorMap(
                        TokenSwapException.class,
                        failure -> ProviderFailure.response(request.grantType(), failure, clock.instant()));
    }

    private Mono<ServerResponse> send(TokenRequest request) {
        if (request instanceof TokenRequest.Swap swap) {
            return swap(swap).map(token -> answer(token, null));
        }
        String refreshToken = ((TokenRequest.Refresh) request).refreshToken();
        return refresh(refreshToken).map(token -> answer(token, refreshToken));
    }

    private Mono<Token> swap(TokenRequest.Swap swap) {
        if (swap.redirectUri() != null && !knownRedirectUri.test(swap.redirectUri())) {
            throw new ErrorResponse(400, "invalid_grant", "The redirect_uri is not one of this server's logins");
        }
        // Whatever the application calls its redirect URI, the provider knows this one.
        return provider.swap(AuthorizationCode.of(swap.code(), publicUrl.callback(), swap.verifier(), Set.of()));
    }

    private Mono<Token> refresh(String refreshToken) {
        return provider.refresh(RefreshToken.of(refreshToken));
    }

    /** @see <a href="https://www.rfc-editor.org/rfc/rfc6749#section-5.1">RFC 6749 section 5.1</a> */
    private static ServerResponse answer(Token token, @Nullable String sentRefreshToken) {
        Map<String, Object> properties = new LinkedHashMap<>();
        properties.put("access_token", token.accessToken().secret());
        properties.put("token_type", token.tokenType());
        if (!token.scopes().isEmpty()) {
            properties.put("scope", String.join(" ", token.scopes()));
        }
        if (token.expiresAt() != null) {
            properties.put(
                    "expires_in",
                    Duration.between(token.issuedAt(), token.expiresAt()).toSeconds());
        }
        if (token.grantExpiresAt() != null) {
            properties.put(
                    "authorization_expires_in",
                    Duration.between(token.issuedAt(), token.grantExpiresAt()).toSeconds());
        }
        if (token.refreshTokenTimeout() != null) {
            properties.put("refresh_token_timeout", token.refreshTokenTimeout().toSeconds());
        }
        // A refreshed token carries the old refresh token over; only a new one is news to the application.
        RefreshToken refreshToken = token.refreshToken();
        if (refreshToken != null && !refreshToken.secret().equals(sentRefreshToken)) {
            properties.put("refresh_token", refreshToken.secret());
        }
        return ServerResponse.json(200, properties);
    }
}
