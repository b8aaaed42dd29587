package io.tokenswap.callback;

import io.tokenswap.AuthorizationCode;
import io.tokenswap.OAuthErrorException;
import io.tokenswap.RefreshToken;
import io.tokenswap.Token;
import io.tokenswap.TokenEndpoint;
import io.tokenswap.TokenUnavailableException;
import io.tokenswap.TokenUnavailableException.Reason;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CopyOnWriteArrayList;
import reactor.core.publisher.Mono;

/** Fails swaps as it was told to, then swaps; records the codes that were sent. */
final class ScriptedEndpoint implements TokenEndpoint {

    final List<AuthorizationCode> sent = new CopyOnWriteArrayList<>();
    private final Queue<Reason> failures = new ArrayDeque<>();
    private volatile boolean grantsEnded;

    /** Ends every grant: no refresh succeeds from now on. */
    void endGrants() {
        grantsEnded = true;
    }

    ScriptedEndpoint failing(Reason... reasons) {
        failures.addAll(List.of(reasons));
        return this;
    }

    @Override
    public Mono<Token> swap(AuthorizationCode code) {
        return Mono.defer(() -> {
            sent.add(code);
            Reason failure = failures.poll();
            return failure == null
                    ? Mono.just(token("token-for-" + code.secret()))
                    : Mono.error(new TokenUnavailableException(failure.toString(), failure, null, null));
        });
    }

    @Override
    public Mono<Token> refresh(RefreshToken token) {
        return grantsEnded
                ? Mono.error(new OAuthErrorException("invalid_grant", "revoked", 400))
                : Mono.just(token("refreshed"));
    }

    private static Token token(String accessToken) {
        return Token.builder(accessToken, Instant.now())
                .refreshToken("refresh")
                .expiresAt(Instant.now().plusSeconds(3600))
                .build();
    }
}
