package io.tokenswap.session;

import static org.assertj.core.api.Assertions.assertThat;

import io.tokenswap.Token;
import java.time.Duration;
import java.time.Instant;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TokenSuccessionTest {

    private static final Instant ISSUED = Instant.parse("2026-11-23T10:00:00Z");

    private final Token previous = Token.builder("previous", ISSUED)
            .refreshToken("refresh")
            .scopes(Set.of("a", "b"))
            .authorizedAt(ISSUED.minusSeconds(100))
            .grantExpiresAt(ISSUED.plusSeconds(86_400))
            .refreshTokenTimeout(Duration.ofDays(7))
            .build();

    @Test
    void whatTheServerOmittedIsCarriedOver() {
        Token next = TokenSuccession.successor(
                Token.builder("next", ISSUED.plusSeconds(60)).build(), previous);
        assertThat(next).isEqualTo(expected());
    }

    private Token expected() {
        return Token.builder("next", ISSUED.plusSeconds(60))
                .refreshToken("refresh")
                .scopes(Set.of("a", "b"))
                .authorizedAt(ISSUED.minusSeconds(100))
                .grantExpiresAt(ISSUED.plusSeconds(86_400))
                .refreshTokenTimeout(Duration.ofDays(7))
                .build();
    }

    @Test
    void whatTheServerSentReplacesWhatThereWas() {
        Token next = TokenSuccession.successor(
                Token.builder("next", ISSUED.plusSeconds(60))
                        .refreshToken("rotated")
                        .scopes(Set.of("a"))
                        .grantExpiresAt(ISSUED.plusSeconds(100))
                        .refreshTokenTimeout(Duration.ofDays(1))
                        .build(),
                previous);
        assertThat(next.refreshToken().secret()).isEqualTo("rotated");
        assertThat(next.scopes()).containsExactly("a");
        assertThat(next.grantExpiresAt()).isEqualTo(ISSUED.plusSeconds(100));
        assertThat(next.refreshTokenTimeout()).isEqualTo(Duration.ofDays(1));
        assertThat(next.authorizedAt()).isEqualTo(ISSUED.minusSeconds(100));
    }

    @Test
    void aCompleteSuccessorIsTheSameInstance() {
        Token next = previous.toBuilder().refreshToken("rotated").build();
        assertThat(TokenSuccession.successor(next, previous)).isSameAs(next);
    }

    @Test
    void aTokenOfAPoorPredecessorIsCompleteAsItIs() {
        Token poor = Token.builder("poor", ISSUED).build();
        Token next = Token.builder("next", ISSUED).build();
        assertThat(TokenSuccession.successor(next, poor)).isSameAs(next);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3})
    void eachValueThatTheServerOmittedIsCarriedOverAlone(int omitted) {
        Token.Builder response = previous.toBuilder();
        switch (omitted) {
            case 0 -> response.refreshToken(null);
            case 1 -> response.scopes(Set.of());
            case 2 -> response.grantExpiresAt(null);
            default -> response.refreshTokenTimeout(null);
        }
        assertThat(TokenSuccession.successor(response.build(), previous)).isEqualTo(previous);
    }
}
