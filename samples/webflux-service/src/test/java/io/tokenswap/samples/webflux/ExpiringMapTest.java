package io.tokenswap.samples.webflux;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class ExpiringMapTest {

    private final List<String> ended = new ArrayList<>();
    private Instant now = Instant.EPOCH;
    private final ExpiringMap<String> map = new ExpiringMap<>(2, Duration.ofMinutes(10), () -> now, ended::add);

    @Test
    void theEldestMakesRoom() {
        map.put("a", "A");
        map.put("b", "B");
        map.put("a", "A");
        map.put("c", "C");

        assertThat(ended).containsExactly("B");
        assertThat(map.get("a")).isEqualTo("A");
    }

    @Test
    void anEntryEndsAfterItsLife() {
        map.put("a", "A");
        now = now.plusSeconds(599);
        assertThat(map.get("a")).isEqualTo("A");
        now = now.plusSeconds(1);

        assertThat(map.get("a")).isNull();
        assertThat(ended).containsExactly("A");
    }

    @Test
    void aTouchStartsALifeAnew() {
        map.put("a", "A");
        map.put("b", "B");
        now = now.plusSeconds(599);
        assertThat(map.touch("a")).isEqualTo("A");
        now = now.plusSeconds(1);

        assertThat(map.get("a")).isEqualTo("A");
        assertThat(ended).containsExactly("B");
    }

    @Test
    void aTouchPutsNothingBack() {
        map.put("a", "A");
        map.remove("a");
        map.put("b", "B");
        now = now.plusSeconds(600);

        assertThat(map.touch("a")).isNull();
        assertThat(map.touch("b")).isNull();
        assertThat(map.get("a")).isNull();
        assertThat(map.get("b")).isNull();
        assertThat(ended).containsExactly("B");
    }

    @Test
    void whatIsTakenOutIsNotReported() {
        map.put("a", "A");
        map.put("b", "B");

        assertThat(map.remove("a")).isEqualTo("A");
        map.clear();

        assertThat(ended).containsExactly("B");
        assertThat(map.get("b")).isNull();
    }
}
