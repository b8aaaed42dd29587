package io.tokenswap.http;

import io.tokenswap.AuthorizationCode;
import io.tokenswap.CodeVerifier;
import io.tokenswap.RefreshToken;
import io.tokenswap.Token;
import java.net.URI;
import java.time.Instant;
import java.util.Set;

/** Values that all tests of this package use. The secrets bear a word that can be searched for. */
final class Samples {

    static final String CANARY = "canary";
    static final Instant NOW = Instant.parse("2026-11-23T10:00:00Z");
    static final CodeVerifier VERIFIER = CodeVerifier.of("canary-verifier-0123456789-0123456789-0123456789");
    static final URI REDIRECT = URI.create("http://localhost:4002/auth");

    static final AuthorizationCode CODE =
            AuthorizationCode.of("canary-code+/=&%", REDIRECT, VERIFIER, Set.of("user-read-private"));

    static final Token TOKEN = Token.builder("canary-access", NOW.minusSeconds(3600))
            .refreshToken("canary-refresh+/=&%")
            .scopes(Set.of("user-read-private", "user-read-email"))
            .authorizedAt(NOW.minusSeconds(86_400))
            .expiresAt(NOW)
            .build();

    static final RefreshToken REFRESH_TOKEN = RefreshToken.of("canary-refresh+/=&%");

    static final String TOKEN_RESPONSE = """
            {"access_token": "canary-new", "token_type": "Bearer", "scope": "user-read-private", "expires_in": 3600,
             "refresh_token": "canary-rotated"}""";

    private Samples() {}
}
