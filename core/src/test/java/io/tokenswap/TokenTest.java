package io.tokenswap;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class TokenTest {

    private static final Instant ISSUED = Instant.parse("2030-01-01T00:00:00.123456789Z");

    private static Token.Builder complete() {
        return Token.builder("canary-access", ISSUED)
                .tokenType("Bearer")
                .scopes(List.of("b", "a"))
                .refreshToken("canary-refresh")
                .expiresAt(ISSUED.plusSeconds(3_600))
                .authorizedAt(ISSUED.minusSeconds(100))
                .grantExpiresAt(ISSUED.plusSeconds(86_400))
                .refreshTokenTimeout(Duration.ofDays(7));
    }

    @Test
    void itsTextNamesItByItsFingerprintAndHoldsNoSecret() {
        Token token = complete().build();
        assertThat(token.toString())
                .contains(
                        token.fingerprint(),
                        "Bearer",
                        "[b, a]",
                        "refreshToken=present",
                        token.issuedAt().toString())
                .doesNotContain("canary");
        assertThat(complete().refreshToken(null).build().toString()).contains("refreshToken=none");
    }

    @Test
    void theFingerprintIsTheStartOfTheHashOfTheAccessTokenAlone() {
        assertThat(Token.builder("abc", ISSUED).build().fingerprint()).isEqualTo("ba7816bf");
        assertThat(complete().refreshToken("another").build().fingerprint())
                .isEqualTo(complete().build().fingerprint());
    }

    @Test
    void isEqualToOneOfTheSameValues() {
        assertThat(complete().build())
                .isEqualTo(complete().build())
                .hasSameHashCodeAs(complete().build());
        assertThat(complete().build().toBuilder().build()).isEqualTo(complete().build());
        assertThat(complete().build()).isNotEqualTo("canary-access");
    }

    static Stream<Instant> anyYear() {
        return Stream.of(
                Instant.MIN,
                Instant.parse("-0100-01-01T00:00:00.5Z"),
                Instant.parse("1677-09-21T00:12:43.145224191Z"),
                Instant.parse("1677-09-21T00:12:44.999999999Z"),
                Instant.parse("1969-12-31T23:59:59.999999999Z"),
                Instant.EPOCH,
                Instant.parse("2262-04-11T23:47:15.999999999Z"),
                Instant.parse("2262-04-11T23:47:16.854775807Z"),
                Instant.MAX);
    }

    @ParameterizedTest
    @MethodSource("anyYear")
    void keepsInstantsOfAnyYearToTheNanosecond(Instant instant) {
        Token issued = Token.builder("a", instant).build();
        assertThat(issued.issuedAt()).isEqualTo(instant);
        assertThat(issued.authorizedAt()).isEqualTo(instant);
        assertThat(issued.expiresAt()).isNull();
        Token others = Token.builder("a", ISSUED)
                .expiresAt(instant)
                .authorizedAt(instant)
                .build();
        assertThat(others.issuedAt()).isEqualTo(ISSUED);
        assertThat(others.expiresAt()).isEqualTo(instant);
        assertThat(others.authorizedAt()).isEqualTo(instant);
        assertThat(others.toBuilder().build()).isEqualTo(others).hasSameHashCodeAs(others);
        assertThat(others).isNotEqualTo(issued);
        Instant other = instant.equals(Instant.MAX) ? instant.minusNanos(1) : instant.plusNanos(1);
        assertThat(others.toBuilder().expiresAt(other).build()).isNotEqualTo(others);
    }

    static Stream<UnaryOperator<Token.Builder>> oneChange() {
        return Stream.of(
                b -> b.tokenType("MAC"),
                b -> b.scopes(List.of("a")),
                b -> b.refreshToken("another"),
                b -> b.refreshToken(null),
                b -> b.expiresAt(ISSUED.plusSeconds(3_601)),
                b -> b.expiresAt(null),
                b -> b.authorizedAt(ISSUED),
                b -> b.grantExpiresAt(null),
                b -> b.refreshTokenTimeout(null));
    }

    @ParameterizedTest
    @MethodSource("oneChange")
    void differsFromOneThatDiffersInOneValue(UnaryOperator<Token.Builder> change) {
        assertThat(change.apply(complete()).build()).isNotEqualTo(complete().build());
    }

    @Test
    void differsFromOneOfAnotherAccessTokenOrAge() {
        Token token = Token.builder("access", ISSUED).authorizedAt(ISSUED).build();
        assertThat(Token.builder("other", ISSUED).build()).isNotEqualTo(token);
        assertThat(Token.builder("access", ISSUED.plusNanos(1))
                        .authorizedAt(ISSUED)
                        .build())
                .isNotEqualTo(token);
    }

    @Test
    void wasAuthorizedWhenItWasIssuedUnlessSaidOtherwise() {
        assertThat(Token.builder("access", ISSUED).build().authorizedAt()).isEqualTo(ISSUED);
    }

    @Test
    void keepsTheScopesThatItWasGivenUnchangeably() {
        List<String> scopes = new ArrayList<>(List.of("b", "a", "b"));
        Token token = Token.builder("access", ISSUED).scopes(scopes).build();
        scopes.clear();
        assertThat(token.scopes()).containsExactly("b", "a");
        assertThatThrownBy(() -> token.scopes().add("c")).isInstanceOf(UnsupportedOperationException.class);
    }

    @Test
    void isNotMadeWithoutAnAccessToken() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Token.builder("", ISSUED))
                .withMessage("The access token is empty");
    }

    @ParameterizedTest
    @ValueSource(strings = {"a b", "a\n", "\r", "\u0000", "a\u007f", "t\u00f6ken", "\ud83d\ude00"})
    @Tag("E38")
    void isNotMadeOfCharactersThatNoHeaderCanCarry(String accessToken) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Token.builder(accessToken, ISSUED))
                .withMessageContaining("no Authorization header can carry")
                .withMessageNotContaining(accessToken);
        assertThatIllegalArgumentException().isThrownBy(() -> AccessToken.of(accessToken));
    }

    @ParameterizedTest
    @ValueSource(strings = {"AQA-1_2.~+/=", "\u00e9", "\u65e5\u672c", "\ud800"})
    void keepsARefreshTokenOfAnyCharacters(String text) {
        Token token = Token.builder("a", ISSUED).refreshToken(text).build();
        assertThat(token.refreshToken()).isEqualTo(RefreshToken.of(text));
        assertThat(token.toBuilder().build()).isEqualTo(token).hasSameHashCodeAs(token);
        assertThat(token.toBuilder().refreshToken("b").build()).isNotEqualTo(token);
    }

    @Test
    void isNotMadeWithAnEmptyRefreshToken() {
        Token.Builder builder = Token.builder("access", ISSUED);
        assertThatIllegalArgumentException().isThrownBy(() -> builder.refreshToken(""));
    }

    @Test
    void itsSecretsArePrintedAsFingerprints() {
        Token token = complete().build();
        assertThat(token.accessToken()).hasToString("AccessToken[" + token.fingerprint() + "]");
        assertThat(token.refreshToken().toString())
                .doesNotContain("canary")
                .contains(token.refreshToken().fingerprint());
        assertThat(token.accessToken())
                .isEqualTo(AccessToken.of(token.accessToken().secret()));
        assertThat(token.refreshToken())
                .isEqualTo(RefreshToken.of("canary-refresh"))
                .isNotEqualTo(RefreshToken.of("canary"));
    }
}
