package io.tokenswap.samples.exchange;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Results that are kept for a repeat. */
class KeptGrantTest {

    private static final KeptGrant.Kind KIND = new KeptGrant.Kind("Bearer", "");
    private static final Instant EXPIRY = Instant.parse("2027-01-31T12:00:00.123456789Z");

    static Stream<Grant> grants() {
        return Stream.of(
                new Grant("at", "Bearer", "", null, null, null, null),
                new Grant("at", "Bearer", "", null, null, null, ""),
                new Grant("at", "bearer", "a b", EXPIRY, EXPIRY.plusSeconds(7), Duration.ofSeconds(9), "sealed"),
                new Grant("at", "DPoP", "schöne Grüße \uD83D\uDE00 \uD83D", Instant.MAX, Instant.MIN, null, "r"),
                new Grant("", "", "", Instant.EPOCH, null, Duration.ZERO, "r".repeat(70_000)));
    }

    @ParameterizedTest
    @MethodSource("grants")
    @Tag("C45")
    void aRepeatGetsTheGrantThatWasKept(Grant grant) {
        assertThat(new KeptGrant(grant, KIND.of(grant), 0).grant()).isEqualTo(grant);
    }

    @Test
    void grantsOfOneKindShareItsTexts() {
        KeptGrant.Kind kind = KIND.of(new Grant("1", "Bearer", "a b", null, null, null, null));

        assertThat(kind.scope()).isEqualTo("a b");
        assertThat(kind.of(new Grant("2", "Bearer", "a b", null, null, null, null)))
                .isSameAs(kind);
        assertThat(kind.of(new Grant("3", "Bearer", "c", null, null, null, null))
                        .scope())
                .isEqualTo("c");
        assertThat(kind.of(new Grant("4", "mac", "a b", null, null, null, null)).tokenType())
                .isEqualTo("mac");
    }

    @Test
    void aKeptGrantWeighsAtLeastItsText() {
        Grant grant = new Grant("a".repeat(1000), "Bearer", "s".repeat(100), null, null, null, "r".repeat(10_000));

        assertThat(new KeptGrant(grant, KIND.of(grant), 0).weight()).isBetween(11_100, 11_400);
    }

    @Test
    void aKeptGrantShowsNoSecret() {
        Grant grant = new Grant("access", "Bearer", "scope", EXPIRY, null, null, "refresh");

        assertThat(new KeptGrant(grant, KIND.of(grant), 0)).hasToString("KeptGrant[redacted]");
    }

    @Test
    void aKeyHasTheSameTextInAllVersions() {
        assertThat(GrantKey.of(GrantType.REFRESH_TOKEN, "client", "rt-1").hash())
                .isEqualTo("RpiWIAE-sP-sG_mujATuIrHyt5LKC8cleHHbM8gbcwg");
    }
}
