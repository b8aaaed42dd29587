package io.tokenswap.samples.exchange;

import io.tokenswap.KeyRing;
import io.tokenswap.OAuthErrorException;
import io.tokenswap.internal.RandomBytes;
import io.tokenswap.internal.Timers;
import io.tokenswap.samples.exchange.ErrorResponse.Processed;
import io.tokenswap.samples.exchange.redis.SharedMemory;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Mono;

/**
 * Claims in a memory that all instances share. Each presented refresh token or code has one entry there:
 *
 * <pre>
 *   refresh token:  none --claim, 20 s--> claimed --success, invalid_grant--> result, 30 s --> none
 *                     ^                      |------failure with a pause----> failure, until its pause ends
 *                     '---nothing was sent---'
 *   code:           none --claim, 10 min--> claimed (stays, and every other request gets invalid_grant)
 * </pre>
 *
 * <p>A request ends at its deadline of 15 s, before its claim. After a crash, a repeat therefore comes while a provider
 * with a grace of 30 s still takes the old refresh token. An instance that finds a claim waits for the result until its
 * own deadline.
 *
 * <p>Without the memory, a provider that replaces refresh tokens gets no request, because two instances would end the
 * grant. Any other provider gets the requests of each instance.
 */
final class RedisClaims implements SharedClaims {

    static final Duration CLAIM = Duration.ofSeconds(20);

    /** The deadline of a request for a result that another instance gets. */
    static final Duration LONGEST_WAIT = Duration.ofSeconds(10);

    private static final Duration POLL = Duration.ofMillis(100);
    /** A failure that names no pause is shared with the instances that wait for its result just now. */
    private static final Duration SHORTEST_PAUSE = Duration.ofSeconds(1);

    private static final Duration LONGEST_PAUSE = Duration.ofMinutes(10);
    private static final Duration PRESENCE = Duration.ofSeconds(10);
    private static final String INSTANCES = "instances";
    private static final String CLAIMED_BY = "claim ";

    private static final Logger log = LoggerFactory.getLogger(RedisClaims.class);

    private final SharedMemory memory;
    private final ProviderPlaces places;
    private final Seals seals;
    private final InstantSource clock;
    private final @Nullable Boolean rotates;
    private final Duration longestWait;
    private final String instance = RandomBytes.base64Url(12);
    private volatile boolean seenToRotate;
    private volatile boolean seenNotToRotate;
    private volatile boolean joined;

    /** @param rotates whether the provider replaces refresh tokens, or null to learn it */
    RedisClaims(
            SharedMemory memory,
            ProviderPlaces places,
            Seals seals,
            InstantSource clock,
            @Nullable Boolean rotates,
            Duration longestWait) {
        this.memory = memory;
        this.places = places;
        this.seals = seals;
        this.clock = clock;
        this.rotates = rotates;
        this.longestWait = longestWait;
    }

    @Override
    public Mono<Grant> refresh(GrantKey key, Mono<Grant> request) {
        return Mono.defer(() -> {
            Attempt attempt = new Attempt(key, request);
            return Mono.defer(attempt::next).repeatWhenEmpty(rounds -> rounds.delayElements(POLL, Timers.scheduler()));
        });
    }

    @Override
    public Mono<Grant> swap(GrantKey key, Mono<Grant> request) {
        return places.send(Mono.defer(() -> {
            String claim = newClaim();
            return claim(key, claim, ProviderRequests.CODE_LIFE).flatMap(found -> switch (found.state()) {
                case NONE ->
                    request.onErrorResume(
                            failure -> isUnsent(failure),
                            failure -> quietly(memory.remove(key.hash(), claim)).then(Mono.error(failure)));
                case CLAIMED, RESULT -> Mono.error(ErrorResponse.usedCode());
                case LOST -> withoutMemory(request, Processed.NO);
            });
        }));
    }

    /** One request for a refresh. An empty result means that another instance is at it, and that it is time to look again. */
    private final class Attempt {

        private final GrantKey key;
        private final Mono<Grant> request;
        private final long deadline = System.nanoTime() + longestWait.toNanos();
        private boolean waits;

        Attempt(GrantKey key, Mono<Grant> request) {
            this.key = key;
            this.request = request;
        }

        Mono<Grant> next() {
            return waits
                    ? read(key).flatMap(found -> found.state() == State.NONE ? claimAndSend() : take(found))
                    : claimAndSend();
        }

        /** The place at the provider comes first: a claim that waited for one would end too early. */
        private Mono<Grant> claimAndSend() {
            return places.send(Mono.defer(() -> {
                String claim = newClaim();
                return claim(key, claim, CLAIM)
                        .flatMap(found -> found.state() == State.NONE ? send(key, claim, request) : take(found));
            }));
        }

        private Mono<Grant> take(Found found) {
            return switch (found.state()) {
                case RESULT -> Mono.fromCallable(() -> open(key, found));
                case LOST ->
                    waits
                            ? withoutMemory(places.send(request), Processed.UNKNOWN)
                            : withoutMemory(request, Processed.NO);
                case NONE, CLAIMED -> {
                    waits = true;
                    yield System.nanoTime() - deadline < 0 ? Mono.empty() : Mono.error(noResult());
                }
            };
        }
    }

    private Mono<Grant> send(GrantKey key, String claim, Mono<Grant> request) {
        return request.flatMap(grant -> {
                    seenToRotate |= grant.refreshToken() != null;
                    seenNotToRotate |= grant.refreshToken() == null;
                    String sealed = SharedResult.seal(seals, key, grant, clock.instant());
                    // Before the caller has its response: the repeat of a lost one may reach another instance.
                    return quietly(memory.replace(key.hash(), claim, sealed, ProviderRequests.REPEATABLE))
                            .thenReturn(grant);
                })
                .onErrorResume(failure -> quietly(keep(key, claim, failure)).then(Mono.error(failure)));
    }

    private Mono<Void> keep(GrantKey key, String claim, Throwable failure) {
        if (!(failure instanceof ErrorResponse response)) {
            return memory.remove(key.hash(), claim);
        }
        if (isUnsent(failure) && response.status != 429) {
            return memory.remove(key.hash(), claim);
        }
        Duration life = response.error.equals(OAuthErrorException.INVALID_GRANT)
                ? ProviderRequests.REPEATABLE
                : pause(response);
        return memory.replace(key.hash(), claim, SharedResult.seal(seals, key, response), life);
    }

    private static Duration pause(ErrorResponse response) {
        String seconds = response.headers.get("Retry-After");
        Duration pause = seconds == null ? SHORTEST_PAUSE : Duration.ofSeconds(Long.parseLong(seconds));
        return pause.compareTo(LONGEST_PAUSE) > 0 ? LONGEST_PAUSE : pause;
    }

    private static boolean isUnsent(Throwable failure) {
        return failure instanceof ErrorResponse response && response.processed == Processed.NO;
    }

    private Grant open(GrantKey key, Found found) {
        try {
            Duration age = ProviderRequests.REPEATABLE.minus(found.left());
            return SharedResult.open(seals, key, found.value(), age, found.left(), clock.instant());
        } catch (KeyRing.OpenException | UncheckedIOException sealedByAnUnknownKeyOrMoved) {
            throw noResult();
        }
    }

    /** Decides what an instance does without the memory. A provider that has replaced a refresh token once may do so again. */
    private Mono<Grant> withoutMemory(Mono<Grant> request, Processed processed) {
        boolean mayRotate = rotates == null ? seenToRotate || !seenNotToRotate : rotates;
        return mayRotate
                ? Mono.error(new ErrorResponse(
                        503,
                        "temporarily_unavailable",
                        "The memory that the instances share cannot be reached",
                        ErrorResponse.retryAfter(ProviderFailure.DEFAULT_PAUSE),
                        processed))
                : request;
    }

    private static ErrorResponse noResult() {
        return new ErrorResponse(
                503,
                "temporarily_unavailable",
                "Another instance has sent this request, and its result is not known yet",
                ErrorResponse.retryAfter(ProviderFailure.DEFAULT_PAUSE),
                Processed.UNKNOWN);
    }

    private Mono<Found> claim(GrantKey key, String claim, Duration life) {
        return found(memory.claim(key.hash(), claim, life).doOnError(lost -> {
            // The claim may have been made nevertheless, and would block the repeat.
            quietly(memory.remove(key.hash(), claim)).subscribe();
        }));
    }

    private Mono<Found> read(GrantKey key) {
        return found(memory.read(key.hash()));
    }

    private static Mono<Found> found(Mono<SharedMemory.Entry> entry) {
        return entry.map(there -> new Found(
                        there.value().startsWith(CLAIMED_BY) ? State.CLAIMED : State.RESULT,
                        there.value(),
                        there.left()))
                .defaultIfEmpty(Found.NOTHING)
                .onErrorReturn(Found.NO_MEMORY);
    }

    private static String newClaim() {
        return CLAIMED_BY + HexFormat.of().formatHex(RandomBytes.next(16));
    }

    /** The result stands, whether or not the others learn of it. */
    private static Mono<Void> quietly(Mono<Void> operation) {
        return operation.onErrorComplete();
    }

    /**
     * Sends the ids of this instance's keys to the other instances, and compares. An instance whose seals no other
     * opens, and that opens no other's, must not serve.
     */
    Mono<Void> announce() {
        Set<String> keys = seals.keys().keyIds();
        return memory.announce(INSTANCES, instance + " " + String.join(",", keys), PRESENCE)
                .doOnNext(all -> compare(keys, all))
                .then();
    }

    private void compare(Set<String> keys, List<String> instances) {
        Optional<String> stranger = instances.stream()
                .filter(name -> !name.startsWith(instance))
                .filter(name -> List.of(name.substring(name.indexOf(' ') + 1).split(",")).stream()
                        .noneMatch(keys::contains))
                .findFirst();
        if (stranger.isPresent()) {
            log.error(
                    "No key of SEAL_KEYS is a key of another instance at this Redis. Give all instances the same keys.");
        } else {
            joined = true;
        }
    }

    @Override
    public boolean hasJoined() {
        return joined;
    }

    private enum State {
        NONE,
        CLAIMED,
        RESULT,
        /** The memory cannot be reached. */
        LOST
    }

    private record Found(State state, String value, Duration left) {

        static final Found NOTHING = new Found(State.NONE, "", Duration.ZERO);
        static final Found NO_MEMORY = new Found(State.LOST, "", Duration.ZERO);
    }
}
