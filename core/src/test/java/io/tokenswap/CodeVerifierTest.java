package io.tokenswap;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CodeVerifierTest {

    @Test
    @Tag("B116")
    void challengeIsThatOfTheExampleOfRfc7636() {
        // Appendix B.
        assertThat(CodeVerifier.of("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
                        .challenge())
                .isEqualTo("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    @Test
    @Tag("B116")
    void everyCreatedVerifierHas256NewRandomBits() {
        Set<String> values = new HashSet<>();
        for (int i = 0; i < 1_000; i++) {
            CodeVerifier verifier = CodeVerifier.create();
            assertThat(verifier.secret()).matches("[A-Za-z0-9_-]{43}");
            assertThat(verifier.challenge()).matches("[A-Za-z0-9_-]{43}");
            values.add(verifier.secret());
        }
        assertThat(values).hasSize(1_000);
    }

    @ParameterizedTest(name = "a verifier of {0} characters is legal")
    @Tag("B116")
    @ValueSource(ints = {43, 44, 127, 128})
    void legalLengthIsTaken(int length) {
        assertThat(CodeVerifier.of("a".repeat(length)).secret()).hasSize(length);
    }

    @ParameterizedTest(name = "a verifier of {0} characters is refused")
    @Tag("B116")
    @ValueSource(ints = {0, 1, 42, 129, 4_096})
    void otherLengthIsRefused(int length) {
        assertThatThrownBy(() -> CodeVerifier.of("a".repeat(length)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageNotContaining("aa");
    }

    @ParameterizedTest
    @ValueSource(strings = {" ", "+", "/", "=", "%", "\n", "\u00e9", "\u0000"})
    void characterThatIsNotUnreservedIsRefused(String character) {
        assertThatThrownBy(() -> CodeVerifier.of("a".repeat(43) + character))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    @Tag("B107")
    void verifierPrintsNothingOfItself() {
        CodeVerifier verifier = CodeVerifier.of("canary".repeat(8));

        assertThat(verifier).hasToString("CodeVerifier[redacted]");
    }

    @Test
    void verifiersOfTheSameValueAreEqual() {
        CodeVerifier verifier = CodeVerifier.of("a".repeat(43));

        assertThat(verifier)
                .isEqualTo(CodeVerifier.of("a".repeat(43)))
                .hasSameHashCodeAs(CodeVerifier.of("a".repeat(43)));
        assertThat(verifier).isNotEqualTo(CodeVerifier.of("b".repeat(43)));
    }
}
