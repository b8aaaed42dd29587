package io.tokenswap.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.tokenswap.AuthorizationCode;
import io.tokenswap.RefreshToken;
import io.tokenswap.Token;
import io.tokenswap.TokenEndpoint;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

class SessionBuilderTest extends SessionFixture {

    @ParameterizedTest
    @ValueSource(strings = {"", " ", "\t\n"})
    void aUserHasAName(String user) {
        assertThatIllegalArgumentException().isThrownBy(() -> builder().store(TokenStore.inMemory(), user));
    }

    @Test
    void withoutAStoreThereIsNothingToRestore() {
        assertThatIllegalStateException()
                .isThrownBy(() -> builder().restore())
                .withMessageContaining("give the builder a store");
    }

    @Test
    void withoutAStoreEachSubscriptionStartsASession() {
        Mono<TokenSession> start = builder().start(endpoint.grant());

        TokenSession one = start.block(Duration.ZERO);
        assertThat(accessToken(one)).isEqualTo("access-1");
        one.dispose();
        assertThat(accessToken(start.block(Duration.ZERO))).isEqualTo("access-1");
    }

    @ParameterizedTest
    @ValueSource(strings = {"PT0S", "PT-0.001S"})
    void anEndpointWithoutTimeIsRefused(Duration timeout) {
        TokenEndpoint hasty = new TokenEndpoint() {
            @Override
            public Mono<Token> swap(AuthorizationCode code) {
                return Mono.empty();
            }

            @Override
            public Mono<Token> refresh(RefreshToken refreshToken) {
                return Mono.empty();
            }

            @Override
            public Duration timeout() {
                return timeout;
            }
        };
        assertThatIllegalArgumentException()
                .isThrownBy(() -> builder(hasty).build(endpoint.grant()))
                .withMessageContaining("longer than zero: " + timeout);
    }

    @Test
    @Tag("E11")
    void anEndpointThatBlocksDoesNotStopASchedulerWithOneThread() throws InterruptedException {
        Scheduler single = Schedulers.newSingle("one");
        CountDownLatch blocked = new CountDownLatch(1);
        CountDownLatch release = new CountDownLatch(1);
        TokenEndpoint blocking = new TokenEndpoint() {
            @Override
            public Mono<Token> swap(AuthorizationCode code) {
                return Mono.empty();
            }

            @Override
            public Mono<Token> refresh(RefreshToken refreshToken) {
                blocked.countDown();
                try {
                    release.await();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
                return Mono.just(
                        Token.builder("access-of-blocked", Instant.now()).build());
            }
        };
        try {
            Token token = Token.builder("access", Instant.now())
                    .refreshToken("refresh")
                    .build();
            CompletableFuture<Token> late = TokenSession.builder(blocking)
                    .scheduler(single)
                    .build(token)
                    .refresh()
                    .toFuture();
            blocked.await();

            TokenSession other =
                    TokenSession.builder(endpoint).scheduler(single).build(token);
            assertThat(other.refresh().block().accessToken().secret()).startsWith("access-");
            release.countDown();
            assertThat(late.join().accessToken().secret()).isEqualTo("access-of-blocked");
        } finally {
            release.countDown();
            single.dispose();
        }
    }
}
