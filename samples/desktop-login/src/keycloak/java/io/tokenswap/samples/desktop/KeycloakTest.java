package io.tokenswap.samples.desktop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tokenswap.AuthorizationFailedException;
import io.tokenswap.Token;
import io.tokenswap.callback.Browser;
import io.tokenswap.session.TokenSession;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

/** A provider that others run in production, at its strictest: PKCE enforced, rotation without a grace, reuse detection. */
class KeycloakTest extends ProviderContract {

    private final Keycloak server;

    KeycloakTest() throws IOException {
        server = Keycloak.start();
    }

    @AfterAll
    void stop() {
        server.close();
    }

    @Override
    Provider provider() {
        return new Provider(
                server.authorizeUri(),
                server.tokenUri(),
                "exchange-server",
                "exchange-secret",
                List.of("openid", "profile", "email"));
    }

    @Override
    Provider withoutRequiredPkce() {
        return new Provider(
                server.authorizeUri(),
                server.tokenUri(),
                "deployed-server",
                "deployed-secret",
                provider().scopes());
    }

    @Override
    FormBrowser person() {
        return new FormBrowser("demo", "demo-password");
    }

    @Override
    void forgetConsents() {
        try {
            server.forgetConsents();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    void endAllGrants() {
        try {
            server.endAllSessions();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void tokensAreRefreshedAheadOfTheirExpiryThreeTimes() {
        TokenSession session = signIn(exchange(), exchange()::authorizationRequest);
        List<Token> tokens = session.tokens().take(4).collectList().block();
        session.dispose();

        assertThat(tokens).extracting(Token::accessToken).doesNotHaveDuplicates();
        for (int i = 1; i < tokens.size(); i++) {
            assertThat(tokens.get(i).issuedAt()).isBefore(tokens.get(i - 1).expiresAt());
        }
    }

    @Test
    void anAuthorizationWithoutAChallengeFailsTheLogin() {
        Browser careless = uri -> person().open(withoutChallenge(uri));

        assertThatThrownBy(() -> flow(provider().endpoint(), provider()::authorizationRequest)
                        .browser(careless)
                        .token()
                        .block())
                .isInstanceOfSatisfying(
                        AuthorizationFailedException.class,
                        failure -> assertThat(failure.error()).isEqualTo("invalid_request"));
    }

    private static URI withoutChallenge(URI authorizeUri) {
        return URI.create(authorizeUri.toString().replaceAll("&code_challenge[^&]*", ""));
    }
}
