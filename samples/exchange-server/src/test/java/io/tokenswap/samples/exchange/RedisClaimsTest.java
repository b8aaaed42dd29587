package io.tokenswap.samples.exchange;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tokenswap.KeyRing;
import io.tokenswap.samples.exchange.redis.SharedMemory;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/** The protocol of claims, on a memory of this process. */
class RedisClaimsTest {

    private static final GrantKey KEY = GrantKey.of(GrantType.REFRESH_TOKEN, "client", "rt");
    private static final GrantKey OTHER = GrantKey.of(GrantType.REFRESH_TOKEN, "client", "other");
    private static final Grant GRANT =
            new Grant("at", "Bearer", "", Instant.parse("2026-11-23T13:00:00Z"), null, null, "rt-2");

    private final FakeMemory memory = new FakeMemory();
    private final AtomicInteger sent = new AtomicInteger();
    private final Mono<Grant> request = Mono.fromSupplier(() -> {
        sent.incrementAndGet();
        return GRANT;
    });

    @Test
    @Tag("C45")
    void aRequestThatFindsAClaimWithoutAResultWaitsAndLearnsThatTheOutcomeIsUnknown() {
        memory.entries.put(KEY.hash(), "claim of-another");

        assertThatThrownBy(() ->
                        claims(1, Duration.ofMillis(300)).refresh(KEY, request).block())
                .isInstanceOfSatisfying(ErrorResponse.class, response -> {
                    assertThat(response.status).isEqualTo(503);
                    assertThat(response.processed).isEqualTo(ErrorResponse.Processed.UNKNOWN);
                    assertThat(response.headers).containsEntry("Retry-After", "5");
                });
        assertThat(sent).hasValue(0);
    }

    @Test
    @Tag("C44")
    void aClaimIsMadeOnlyWhenThereIsAPlaceAtTheProvider() {
        RedisClaims claims = claims(1, Duration.ofSeconds(10));
        Sinks.One<Grant> first = Sinks.one();
        Mono<Grant> slow = claims.refresh(OTHER, first.asMono()).cache();
        slow.subscribe();
        Mono<Grant> waits = claims.refresh(KEY, request).cache();
        waits.subscribe();

        assertThat(memory.entries).containsOnlyKeys(OTHER.hash());
        first.tryEmitValue(GRANT);
        assertThat(waits.block()).isEqualTo(GRANT);
        assertThat(memory.entries).containsOnlyKeys(OTHER.hash(), KEY.hash());
    }

    @Test
    @Tag("C50")
    void aClaimOutlivesTheLongestRequestAndEndsWithinTheGraceOfAProvider() {
        // 5 s for a place come before the claim. The request itself has 10 s.
        assertThat(RedisClaims.CLAIM).isBetween(Duration.ofSeconds(15), Duration.ofSeconds(25));
    }

    @Test
    @Tag("C34")
    void aCodeKeepsItsClaimAfterALostResponse() {
        RedisClaims claims = claims(1, Duration.ofSeconds(10));
        ErrorResponse lost = new ErrorResponse(502, "server_error", "x", Map.of(), ErrorResponse.Processed.UNKNOWN);
        assertThatThrownBy(() -> claims.swap(KEY, Mono.error(lost)).block()).isSameAs(lost);

        assertThatThrownBy(() -> claims.swap(KEY, request).block())
                .isInstanceOfSatisfying(
                        ErrorResponse.class,
                        response -> assertThat(response.error).isEqualTo("invalid_grant"));
        assertThat(sent).hasValue(0);
    }

    @Test
    @Tag("C36")
    void aResultOfAnotherRequestOrKeyIsNoResult() {
        Seals seals = seals();
        memory.entries.put(
                KEY.hash(),
                SharedResult.seal(seals, OTHER, GRANT, InstantSource.system().instant()));

        assertThatThrownBy(() ->
                        claims(1, Duration.ofSeconds(1)).refresh(KEY, request).block())
                .isInstanceOfSatisfying(
                        ErrorResponse.class,
                        response -> assertThat(response.status).isEqualTo(503));
        assertThat(sent).hasValue(0);
    }

    @Test
    @Tag("C45")
    void theLifeOfASharedTokenCountsFromItsRequest() {
        Instant now = Instant.parse("2026-11-23T12:00:00Z");
        InstantSource clock = InstantSource.fixed(now);
        Seals seals = new Seals("client", KeyRing.of(Exchange.KEY), clock);
        memory.entries.put(KEY.hash(), SharedResult.seal(seals, KEY, GRANT, now));
        RedisClaims claims =
                new RedisClaims(memory, new ProviderPlaces(1, 10), seals, clock, null, Duration.ofSeconds(1));

        Grant shared = claims.refresh(KEY, request).block();

        // Of the 30 seconds of the entry, 10 are left.
        assertThat(shared.expiresAt()).isEqualTo(GRANT.expiresAt().minusSeconds(20));
        assertThat(sent).hasValue(0);
    }

    @Test
    @Tag("E81")
    void withoutTheMemoryAProviderThatHasReplacedARefreshTokenOnceGetsNoRequest() {
        RedisClaims claims = claims(1, Duration.ofSeconds(10));
        Grant notReplaced = new Grant("at", "Bearer", "", null, null, null, null);
        GrantKey third = GrantKey.of(GrantType.REFRESH_TOKEN, "client", "third");
        assertThat(claims.refresh(OTHER, Mono.just(notReplaced)).block()).isEqualTo(notReplaced);
        memory.lost = true;
        assertThat(claims.refresh(third, Mono.just(notReplaced)).block()).isEqualTo(notReplaced);
        memory.lost = false;
        assertThat(claims.refresh(KEY, request).block()).isEqualTo(GRANT);
        memory.lost = true;

        assertThatThrownBy(() -> claims.refresh(third, request).block())
                .isInstanceOfSatisfying(ErrorResponse.class, response -> {
                    assertThat(response.status).isEqualTo(503);
                    assertThat(response.processed).isEqualTo(ErrorResponse.Processed.NO);
                });
        assertThat(sent).hasValue(1);
    }

    @Test
    @Tag("E81")
    void anOperatorWhoKnowsWhetherTheProviderRotatesIsBelieved() {
        Grant notReplaced = new Grant("at", "Bearer", "", null, null, null, null);
        RedisClaims rotates = claims(1, Duration.ofSeconds(10), true);
        RedisClaims keeps = claims(1, Duration.ofSeconds(10), false);
        assertThat(rotates.refresh(OTHER, Mono.just(notReplaced)).block()).isEqualTo(notReplaced);
        assertThat(keeps.refresh(KEY, request).block()).isEqualTo(GRANT);
        memory.lost = true;

        assertThatThrownBy(() -> rotates.refresh(KEY, request).block()).isInstanceOf(ErrorResponse.class);
        assertThat(keeps.refresh(KEY, request).block()).isEqualTo(GRANT);
    }

    private static Seals seals() {
        return new Seals("client", KeyRing.of(Exchange.KEY), InstantSource.system());
    }

    private RedisClaims claims(int places, Duration longestWait) {
        return claims(places, longestWait, null);
    }

    private RedisClaims claims(int places, Duration longestWait, @Nullable Boolean rotates) {
        return new RedisClaims(
                memory, new ProviderPlaces(places, 10), seals(), InstantSource.system(), rotates, longestWait);
    }

    /** Keeps entries without an end. */
    private static final class FakeMemory implements SharedMemory {

        final Map<String, String> entries = new ConcurrentHashMap<>();
        volatile boolean lost;

        @Override
        public Mono<Entry> claim(String key, String claim, Duration life) {
            return Mono.defer(() ->
                    lost ? Mono.error(new IllegalStateException("lost")) : entry(entries.putIfAbsent(key, claim)));
        }

        @Override
        public Mono<Entry> read(String key) {
            return Mono.defer(() -> entry(entries.get(key)));
        }

        private static Mono<Entry> entry(@Nullable String value) {
            return Mono.justOrEmpty(value).map(there -> new Entry(there, Duration.ofSeconds(10)));
        }

        @Override
        public Mono<Void> replace(String key, String claim, String value, Duration life) {
            return Mono.fromRunnable(() -> entries.replace(key, claim, value));
        }

        @Override
        public Mono<Void> remove(String key, String claim) {
            return Mono.fromRunnable(() -> entries.remove(key, claim));
        }

        @Override
        public Mono<List<String>> announce(String list, String name, Duration life) {
            return Mono.just(List.of(name));
        }
    }
}
