package stores;

import io.tokenswap.AuthorizationCode;
import io.tokenswap.RefreshToken;
import io.tokenswap.Token;
import io.tokenswap.TokenEndpoint;
import io.tokenswap.TokenUnavailableException;
import io.tokenswap.session.TokenSession;
import io.tokenswap.session.TokenStore;
import java.time.Instant;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import reactor.core.publisher.Mono;

/** What an application does with a store: the session of one instance is taken over by another. */
final class Sessions {

    private Sessions() {}

    /** Signs in and refreshes through one store, and finds the token through another. */
    static void moveBetween(Supplier<TokenStore> stores) {
        Provider provider = new Provider();
        TokenSession first = TokenSession.builder(provider)
                .store(stores.get(), "user")
                .start(provider.next())
                .block();
        Token refreshed = first.refresh().block();
        TokenSession second =
                TokenSession.builder(provider).store(stores.get(), "user").restore().block();
        Token restored = second.token().block();
        if (!restored.accessToken().equals(refreshed.accessToken()) || provider.issued.get() != 2) {
            throw new AssertionError("The second instance has another token");
        }
        first.disposeLater().block();
        second.disposeLater().block();
        System.out.println("stored");
    }

    /** Uses a store whose server is not there. */
    static void fail(TokenStore store) {
        try {
            TokenSession.builder(new Provider()).store(store, "user").restore().block();
            throw new AssertionError("No server, and no error");
        } catch (TokenUnavailableException e) {
            StringBuilder messages = new StringBuilder();
            for (Throwable cause = e; cause != null; cause = cause.getCause()) {
                messages.append(cause).append('\n');
            }
            System.out.println("failed: " + messages);
        }
    }

    private static final class Provider implements TokenEndpoint {

        final AtomicInteger issued = new AtomicInteger();

        Token next() {
            int number = issued.incrementAndGet();
            Instant now = Instant.now();
            return Token.builder("access-" + number, now)
                    .refreshToken("refresh-" + number)
                    .expiresAt(now.plusSeconds(3_600))
                    .build();
        }

        @Override
        public Mono<Token> swap(AuthorizationCode code) {
            return Mono.fromSupplier(this::next);
        }

        @Override
        public Mono<Token> refresh(RefreshToken refreshToken) {
            return Mono.fromSupplier(this::next);
        }
    }
}
