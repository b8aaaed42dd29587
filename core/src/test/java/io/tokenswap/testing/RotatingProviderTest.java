package io.tokenswap.testing;

import static org.assertj.core.api.Assertions.assertThat;

import io.tokenswap.OAuthErrorException;
import io.tokenswap.RefreshToken;
import io.tokenswap.Token;
import io.tokenswap.TokenEndpoint;
import io.tokenswap.TokenUnavailableException;
import io.tokenswap.testing.RotatingProvider.Fault;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Mono;

class RotatingProviderTest {

    private final VirtualClock clock = new VirtualClock();
    private final RotatingProvider provider = new RotatingProvider(clock);
    private final PausableScheduler node = new PausableScheduler(clock.scheduler());
    private final TokenEndpoint endpoint = provider.endpoint("a", clock, node);
    private final Token first = provider.signIn("alice");

    @Test
    void aRefreshTokenIsConsumedByItsRefresh() {
        Token second = refresh(first);
        assertThat(second.refreshToken()).isNotEqualTo(first.refreshToken());
        assertThat(refresh(second).refreshToken()).isNotEqualTo(second.refreshToken());
        assertThat(provider.isRevoked(first)).isFalse();
    }

    @Test
    void aConsumedRefreshTokenRevokesItsLoginAndNoOther() {
        Token other = provider.signIn("alice");
        Token second = refresh(first);
        assertThat(ask(first)).containsExactly("invalid_grant");
        assertThat(ask(second)).containsExactly("invalid_grant");
        assertThat(provider.isRevoked(second)).isTrue();
        assertThat(ask(other)).containsExactly("alice 2");
    }

    @Test
    void withinTheGraceTheLastSuccessorIsTheOnlyOne() {
        provider.grace(Duration.ofSeconds(30));
        Token second = refresh(first);
        clock.advance(Duration.ofSeconds(29));
        Token third = refresh(first);
        assertThat(third.refreshToken()).isNotEqualTo(second.refreshToken());
        assertThat(ask(second)).containsExactly("invalid_grant");
        assertThat(ask(third)).containsExactly("alice 1");
    }

    @Test
    void withinTheGraceTheSameSuccessorCanBeRepeated() {
        provider.grace(Duration.ofSeconds(30)).repeatsSuccessor();
        Token second = refresh(first);
        assertThat(refresh(first).refreshToken()).isEqualTo(second.refreshToken());
        clock.advance(Duration.ofSeconds(30));
        assertThat(ask(first)).containsExactly("invalid_grant");
        assertThat(provider.isRevoked(second)).isTrue();
    }

    @Test
    void withoutRotationTheRefreshTokenStays() {
        provider.keepsRefreshTokens();
        Token second = refresh(first);
        assertThat(second.refreshToken()).isEqualTo(first.refreshToken());
        assertThat(second.accessToken()).isNotEqualTo(first.accessToken());
        assertThat(ask(first)).containsExactly("alice 1");
    }

    @Test
    void lostRequestsConsumeNothingAndLostResponsesDo() {
        provider.faults(presentation -> Fault.losesRequest());
        assertThat(ask(first)).containsExactly("RESPONSE_LOST");
        provider.faults(presentation -> Fault.throttles(Duration.ofSeconds(5)));
        assertThat(ask(first)).containsExactly("THROTTLED");
        provider.faults(presentation -> Fault.losesResponse());
        assertThat(ask(first)).containsExactly("RESPONSE_LOST");
        provider.faults(presentation -> Fault.none());
        assertThat(ask(first)).containsExactly("invalid_grant");
        assertThat(provider.presentations()).hasSize(4).allMatch(p -> p.node().equals("a"));
    }

    @Test
    void aPausedNodeGetsItsResponseWhenItResumes() {
        provider.faults(presentation -> Fault.none().slow(Duration.ofSeconds(1), Duration.ofSeconds(1)));
        List<String> seen = ask(first);
        clock.advance(Duration.ofSeconds(1));
        node.pause();
        clock.advance(Duration.ofMinutes(1));
        assertThat(seen).isEmpty();
        assertThat(provider.presentations().get(0).processedAt()).isNotNull();
        node.resume();
        assertThat(seen).containsExactly("alice 1");
    }

    @Test
    void aCrashedNodeGetsNothing() {
        provider.faults(presentation -> Fault.none().slow(Duration.ZERO, Duration.ofSeconds(1)));
        List<String> seen = ask(first);
        node.crash();
        clock.advance(Duration.ofMinutes(1));
        node.resume();
        assertThat(seen).isEmpty();
        assertThat(provider.presentations().get(0).granted()).isNotNull();
    }

    private Token refresh(Token token) {
        return endpoint.refresh(RefreshToken.of(token.refreshToken().secret())).block(Duration.ZERO);
    }

    private List<String> ask(Token token) {
        List<String> seen = new ArrayList<>();
        Mono.defer(() -> endpoint.refresh(token.refreshToken()))
                .subscribe(
                        next -> seen.add(provider.user(next) + " " + provider.login(next)),
                        error -> seen.add(text(error)));
        return seen;
    }

    private static String text(Throwable error) {
        return error instanceof OAuthErrorException oauth
                ? oauth.error()
                : ((TokenUnavailableException) error).reason().toString();
    }
}
