package io.tokenswap.tck;

import io.tokenswap.AuthorizationCode;
import io.tokenswap.RefreshToken;
import io.tokenswap.Token;
import io.tokenswap.TokenEndpoint;
import io.tokenswap.session.TokenSession;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.reactivestreams.tck.TestEnvironment;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** Sessions for the verifications, with the library's own threads. */
final class Sessions implements TokenEndpoint {

    private static final Duration LIFETIME = Duration.ofDays(1);

    private final AtomicInteger granted = new AtomicInteger();
    private final List<Disposable> opened = new ArrayList<>();

    /** How long a signal may take, and how long to wait for signals that must not come. */
    static TestEnvironment environment() {
        return new TestEnvironment(1_000, 50);
    }

    private Token grant(Duration lifetime) {
        Instant now = Instant.now();
        int number = granted.incrementAndGet();
        return Token.builder("access-" + number, now)
                .refreshToken("refresh-" + number)
                .expiresAt(now.plus(lifetime))
                .build();
    }

    @Override
    public Mono<Token> swap(AuthorizationCode code) {
        return Mono.error(new UnsupportedOperationException());
    }

    @Override
    public Mono<Token> refresh(RefreshToken refreshToken) {
        return Mono.delay(Duration.ofMillis(1)).map(tick -> grant(LIFETIME));
    }

    private TokenSession open(Token token) {
        TokenSession session = TokenSession.builder(this).build(token);
        opened.add(session);
        return session;
    }

    /** Whose token is good. */
    TokenSession valid() {
        return open(grant(LIFETIME));
    }

    /** Whose token has expired: callers wait for a refresh. */
    TokenSession expired() {
        return open(grant(Duration.ZERO));
    }

    /** Whose token is replaced again and again, so that its streams go on. */
    TokenSession busy() {
        TokenSession session = valid();
        opened.add(Flux.interval(Duration.ofMillis(2))
                .onBackpressureDrop()
                .concatMap(tick -> session.refresh().onErrorComplete(), 1)
                .subscribe());
        return session;
    }

    /** Whose grant has ended. */
    TokenSession ended() {
        Token token =
                Token.builder("access", Instant.EPOCH).expiresAt(Instant.EPOCH).build();
        TokenSession session = open(token);
        session.token().onErrorComplete().block();
        return session;
    }

    void close() {
        opened.forEach(Disposable::dispose);
        opened.clear();
    }
}
