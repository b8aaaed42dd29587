package io.tokenswap.samples.exchange.limit;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.Ticker;
import io.github.bucket4j.Bucket;
import io.github.bucket4j.ConsumptionProbe;
import io.github.bucket4j.TimeMeter;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.time.Duration;
import java.util.Arrays;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/**
 * Limits rates by token buckets. A request with a valid seal counts against its own refresh token, so that many users
 * behind one address do not hinder each other. A request that fails counts against its address. All requests count
 * against a total.
 *
 * <p>Each method returns null if the request is within its limit, else the time after which it would be. Safe for use
 * by any thread.
 */
public final class RateLimits {

    /** The most sources that are remembered. */
    private static final int MOST_SOURCES = 1_000_000;

    /** The burst of failures is this many seconds of their rate. */
    private static final int FAILURE_BURST = 5;

    private static final Duration IDLE = Duration.ofMinutes(2);
    private static final int IPV6_NETWORK_BYTES = 8;

    private final int perToken;
    private final int failures;
    private final TimeMeter meter;
    private final @Nullable Bucket total;
    /** By the name of a token, or a text for an address. */
    private final Cache<Object, Bucket> sources;

    /**
     * @param total requests a second of all sources, or 0 for no limit
     * @param perToken requests to the provider a second with one refresh token, or 0 for no limit
     * @param failures failed requests a second of one address, or 0 for no limit
     */
    public RateLimits(int total, int perToken, int failures, Ticker ticker) {
        this(total, perToken, failures, ticker, MOST_SOURCES);
    }

    RateLimits(int total, int perToken, int failures, Ticker ticker, int mostSources) {
        this.perToken = perToken;
        this.failures = failures;
        this.meter = new TimeMeter() {
            @Override
            public long currentTimeNanos() {
                return ticker.read();
            }

            @Override
            public boolean isWallClockBased() {
                return false;
            }
        };
        this.total = total == 0 ? null : bucket(total, total);
        this.sources = Caffeine.newBuilder()
                .ticker(ticker)
                .expireAfterAccess(IDLE)
                .maximumSize(mostSources)
                .executor(Runnable::run)
                .build();
    }

    /** Counts a request against the total. */
    public @Nullable Duration total() {
        return total == null ? null : take(total);
    }

    /**
     * Counts a request to the provider against a token, if one with this token has failed. The result of a request that
     * succeeds serves its repeats, so that only failing requests come often.
     */
    public @Nullable Duration token(Object name) {
        Bucket failed = perToken == 0 ? null : sources.getIfPresent(name);
        return failed == null ? null : take(failed);
    }

    /** Notes that a request to the provider failed, and counts it if no request with this token failed before. */
    public void tokenFailed(Object name) {
        if (perToken > 0 && sources.getIfPresent(name) == null) {
            Bucket fresh = bucket(perToken, perToken);
            fresh.tryConsume(1);
            sources.asMap().putIfAbsent(name, fresh);
        }
    }

    /** Counts a failed request against its address, or against the network of 64 bits of an IPv6 address. */
    public @Nullable Duration failure(InetAddress address) {
        return failures == 0
                ? null
                : take(sources.get("address " + network(address), key -> bucket(failures, failures * FAILURE_BURST)));
    }

    /** Returns the number of sources that are remembered. */
    long sources() {
        sources.cleanUp();
        return sources.estimatedSize();
    }

    private static String network(InetAddress address) {
        byte[] bytes = address.getAddress();
        return HexFormat.of()
                .formatHex(address instanceof Inet6Address ? Arrays.copyOf(bytes, IPV6_NETWORK_BYTES) : bytes);
    }

    private Bucket bucket(int perSecond, int burst) {
        return Bucket.builder()
                .addLimit(limit -> limit.capacity(burst).refillGreedy(perSecond, Duration.ofSeconds(1)))
                .withCustomTimePrecision(meter)
                .build();
    }

    private static @Nullable Duration take(Bucket bucket) {
        if (bucket.tryConsume(1)) {
            return null;
        }
        ConsumptionProbe probe = bucket.tryConsumeAndReturnRemaining(1);
        return probe.isConsumed() ? null : Duration.ofNanos(probe.getNanosToWaitForRefill());
    }
}
