package io.tokenswap.samples.exchange;

import io.tokenswap.AuthorizationCode;
import io.tokenswap.CodeVerifier;
import io.tokenswap.KeyRing;
import io.tokenswap.RefreshToken;
import io.tokenswap.Token;
import io.tokenswap.TokenEndpoint;
import io.tokenswap.TokenSwapException;
import io.tokenswap.samples.exchange.limit.RateLimits;
import io.tokenswap.samples.exchange.operation.Metrics;
import java.io.UncheckedIOException;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneOffset;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.netty.http.server.HttpServerRequest;

/**
 * The application's calls: swap and refresh, sent to the provider with the secret that only this server has. What the
 * application sends is a seal of this server. It is opened before anything is sent, so invalid values never reach the
 * provider.
 */
final class TokenRoute {

    /** The consent of a refresh token from before this server sealed them is not known. */
    private static final Instant UNKNOWN = Instant.EPOCH;

    private final ExchangeServerConfig config;
    private final TokenEndpoint provider;
    private final ProviderRequests requests;
    private final ProviderBreaker breaker;
    private final RateLimits limits;
    private final Metrics metrics;
    private final Seals seals;
    private final PublicUrl publicUrl;
    private final InstantSource clock;

    TokenRoute(
            ExchangeServerConfig config,
            TokenEndpoint provider,
            ProviderRequests requests,
            ProviderBreaker breaker,
            RateLimits limits,
            Metrics metrics,
            Seals seals,
            PublicUrl publicUrl,
            InstantSource clock) {
        this.config = config;
        this.provider = provider;
        this.requests = requests;
        this.breaker = breaker;
        this.limits = limits;
        this.metrics = metrics;
        this.seals = seals;
        this.publicUrl = publicUrl;
        this.clock = clock;
    }

    /** @param byPath the grant that the path names, or null for the one URI that serves both */
    Mono<ServerResponse> handle(HttpServerRequest request, Caller caller, @Nullable GrantType byPath) {
        if (RequestTarget.hasQuery(request)) {
            throw ErrorResponse.invalidRequest("Parameters belong in the body: a URL ends up in logs");
        }
        return RequestBody.parameters(request)
                .map(parameters -> TokenRequest.of(parameters, byPath))
                .flatMap(parsed -> parsed instanceof TokenRequest.Swap swap
                        ? swap(swap, caller)
                        : refresh(((TokenRequest.Refresh) parsed).refreshToken(), caller))
                .map(grant -> grant.response(clock.instant()));
    }

    private Mono<Grant> swap(TokenRequest.Swap swap, Caller caller) {
        AuthorizationCode code = code(swap);
        GrantKey key = GrantKey.of(GrantType.AUTHORIZATION_CODE, config.clientId, code.secret());
        Mono<Grant> request = send(GrantType.AUTHORIZATION_CODE, key, provider.swap(code), caller)
                .map(token -> {
                    RefreshToken refreshToken = token.refreshToken();
                    return Grant.of(
                            token,
                            grantEnd(token.authorizedAt()),
                            refreshToken == null ? null : sealed(refreshToken.secret(), token.authorizedAt()));
                });
        return requests.swap(key, request);
    }

    /** Returns the provider's code, with the redirect URI under which the provider has issued it. */
    private AuthorizationCode code(TokenRequest.Swap swap) {
        try {
            SealedCode opened = SealedCode.open(seals, swap.code());
            if (swap.redirectUri() != null && !isKnown(swap.redirectUri(), opened)) {
                throw ErrorResponse.invalidGrant("The redirect_uri is not one of this server's logins");
            }
            if (!opened.isProvedBy(swap.verifier())) {
                throw ErrorResponse.invalidGrant("The code_verifier is not the one of this code's login");
            }
            return AuthorizationCode.of(opened.code(), publicUrl.callback(), swap.verifier(), Set.of());
        } catch (KeyRing.OpenException refused) {
            return directCode(swap, refused.reason());
        } catch (UncheckedIOException otherVersion) {
            throw unknownGrant();
        }
    }

    /**
     * Returns true if a swap may name this redirect URI: the end of its login, an entry of the list, or a URI of this
     * server.
     */
    private boolean isKnown(String uri, SealedCode opened) {
        return uri.equals(opened.returnUri()) || config.returnUris.permits(uri) || publicUrl.contains(uri);
    }

    /** Returns the code of a login for which the application went to the provider itself, with its own redirect URI. */
    private AuthorizationCode directCode(TokenRequest.Swap swap, KeyRing.OpenException.Reason reason) {
        if (reason == KeyRing.OpenException.Reason.NEWER_KEY) {
            throw Seals.unknownYet();
        }
        boolean notOurs =
                reason == KeyRing.OpenException.Reason.ALTERED || reason == KeyRing.OpenException.Reason.UNKNOWN_KEY;
        AllowedRedirectUris direct = config.directRedirectUris;
        if (direct == null || !notOurs) {
            throw unknownGrant();
        }
        String redirectUri = swap.redirectUri() == null ? direct.first() : swap.redirectUri();
        if (!direct.permits(redirectUri)) {
            throw ErrorResponse.invalidGrant("The redirect_uri is not one of this server's logins");
        }
        CodeVerifier verifier = swap.verifier();
        return AuthorizationCode.of(swap.code(), URI.create(redirectUri), verifier, Set.of());
    }

    private Mono<Grant> refresh(String presented, Caller caller) {
        SealedRefreshToken opened = open(presented);
        String refreshToken = opened.refreshToken();
        Instant authorizedAt = opened.authorizedAt();
        GrantKey key = GrantKey.of(GrantType.REFRESH_TOKEN, config.clientId, refreshToken);
        Mono<Grant> request = send(
                        GrantType.REFRESH_TOKEN, key, provider.refresh(RefreshToken.of(refreshToken)), caller)
                .map(token -> {
                    RefreshToken next = token.refreshToken();
                    String rotated = next == null || next.secret().equals(refreshToken)
                            ? null
                            : sealed(next.secret(), authorizedAt);
                    return Grant.of(token, grantEnd(authorizedAt), rotated);
                });
        // Each caller gets a seal for what it has presented: several callers share one result.
        boolean sealAnew = seals.areLasting() && (presented.equals(refreshToken) || seals.isOld(presented));
        return requests.refresh(key, request)
                .map(grant ->
                        sealAnew && grant.refreshToken() == null ? grant.withRefreshToken(opened.seal(seals)) : grant);
    }

    private SealedRefreshToken open(String presented) {
        if (!TokenRequest.Fields.isToken(presented)) {
            throw unknownGrant();
        }
        if (!seals.areLasting()) {
            return new SealedRefreshToken(presented, UNKNOWN);
        }
        try {
            return SealedRefreshToken.open(seals, presented);
        } catch (KeyRing.OpenException refused) {
            return switch (refused.reason()) {
                case NEWER_KEY -> throw Seals.unknownYet();
                case ALTERED, UNKNOWN_KEY -> raw(presented);
                case FUTURE -> throw Seals.fromTheFuture();
                case EXPIRED -> throw unknownGrant();
            };
        } catch (UncheckedIOException otherVersion) {
            throw unknownGrant();
        }
    }

    /** Returns a refresh token that was issued before this server sealed them, as long as such tokens are accepted. */
    private SealedRefreshToken raw(String presented) {
        Instant until = config.acceptRawRefreshTokensUntil;
        if (until == null || !clock.instant().isBefore(until)) {
            throw unknownGrant();
        }
        return new SealedRefreshToken(presented, UNKNOWN);
    }

    /** The provider was not asked. */
    private static ErrorResponse unknownGrant() {
        return ErrorResponse.invalidGrant("This code or refresh token was not issued here, or has expired");
    }

    private String sealed(String refreshToken, Instant authorizedAt) {
        return seals.areLasting() ? new SealedRefreshToken(refreshToken, authorizedAt).seal(seals) : refreshToken;
    }

    private @Nullable Instant grantEnd(Instant authorizedAt) {
        return config.grantLifetime == null || authorizedAt.equals(UNKNOWN)
                ? null
                : authorizedAt.atZone(ZoneOffset.UTC).plus(config.grantLifetime).toInstant();
    }

    /** Sends a request unless requests to the provider are stopped. */
    private Mono<Token> send(GrantType grantType, GrantKey key, Mono<Token> request, Caller caller) {
        return Mono.defer(() -> {
            Duration wait = limits.token(key);
            if (wait != null) {
                metrics.limited("token");
                return Mono.error(ErrorResponse.tooManyRequests(wait));
            }
            return breaker.send(measured(grantType, request))
                    .doOnError(failure -> limits.tokenFailed(key))
                    .onErrorMap(
                            TokenSwapException.class,
                            failure -> ProviderFailure.response(grantType, failure, clock.instant(), caller));
        });
    }

    private Mono<Token> measured(GrantType grantType, Mono<Token> request) {
        return Mono.defer(() -> {
            long startedAt = System.nanoTime();
            return request.doOnEach(end -> {
                if (end.isOnNext() || end.isOnError()) {
                    metrics.provider(
                            grantType.value,
                            ProviderFailure.kind(end.getThrowable()),
                            Duration.ofNanos(System.nanoTime() - startedAt));
                }
            });
        });
    }
}
