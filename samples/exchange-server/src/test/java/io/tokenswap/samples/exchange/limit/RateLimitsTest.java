package io.tokenswap.samples.exchange.limit;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("C55")
class RateLimitsTest {

    private final AtomicLong now = new AtomicLong();

    @Test
    void moreSourcesThanTheBoundAreForgotten() throws UnknownHostException {
        RateLimits limits = new RateLimits(0, 2, 10, now::get, 1_000);
        for (int i = 0; i < 10_000; i++) {
            assertThat(limits.failure(address(i))).isNull();
            limits.tokenFailed("token " + i);
        }

        assertThat(limits.sources()).isBetween(1L, 1_000L);
    }

    @Test
    void aSourceThatIsQuietIsForgotten() throws UnknownHostException {
        RateLimits limits = new RateLimits(0, 2, 10, now::get);
        for (int i = 0; i < 100; i++) {
            limits.failure(address(i));
        }
        assertThat(limits.sources()).isEqualTo(100);

        now.addAndGet(Duration.ofMinutes(2).toNanos());
        assertThat(limits.sources()).isZero();
    }

    private static InetAddress address(int number) throws UnknownHostException {
        return InetAddress.getByAddress(new byte[] {10, 0, (byte) (number >> 8), (byte) number});
    }
}
