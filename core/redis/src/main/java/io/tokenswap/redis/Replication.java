package io.tokenswap.redis;

import io.lettuce.core.RedisClient;
import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.api.async.RedisAsyncCommands;
import io.lettuce.core.cluster.RedisClusterClient;
import io.lettuce.core.cluster.SlotHash;
import io.lettuce.core.cluster.api.StatefulRedisClusterConnection;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;
import reactor.util.Logger;
import reactor.util.Loggers;

/**
 * Confirms that replicas have what was written to a primary. {@code WAIT} blocks the connection that sends it, and counts
 * the writes of that connection only. It therefore gets a separate connection, and follows a write of this class: replicas
 * apply writes in order, so a replica that has this one has all that came before.
 *
 * <p>One round runs at a time for each primary. Writes that end meanwhile wait for the next round together. So a replica
 * that is away delays each write by two rounds at most, however many keys are written, and delays no other operation.
 *
 * <p>The response to the write repeats its number. If it has another number, the client has mixed up the responses, and
 * the connections are replaced, see {@link RedisTokenStore}.
 *
 * <p>A confirmation never fails. Too few replicas are counted and logged: the primary has the write, and to repeat it
 * would not make it safer.
 */
final class Replication {

    /** Default of the time for which replicas are waited for. */
    static final Duration TIMEOUT = Duration.ofMillis(500);

    private static final Logger log = Loggers.getLogger(RedisTokenStore.class);
    /** Time to connect and to write. A connection that is lost must not stop the rounds. */
    private static final Duration OVERHEAD = Duration.ofSeconds(1);

    private final int replicas;
    private final Duration timeout;
    private final Scheduler scheduler;
    private final Callable<Primaries> connect;
    /** Opened at the first use. Others replace them if their responses are mixed up. */
    private final AtomicReference<Mono<Primaries>> primaries;

    private final AtomicLong calls = new AtomicLong();
    private final Map<String, Rounds> rounds = new ConcurrentHashMap<>();
    private final LongAdder unconfirmed = new LongAdder();
    private final AtomicBoolean complete = new AtomicBoolean(true);

    /** Writes, and returns the number of the call. */
    private static final String WRITE = "redis.call('SET', KEYS[1], '', 'PX', ARGV[1]) return {ARGV[2]}";

    /** Connections to primaries, for nothing else. */
    interface Primaries {

        /** Returns the name of the primary that has a key. */
        String of(String key);

        /** Returns the commands of the connection to a primary. */
        Mono<RedisAsyncCommands<String, String>> commands(String primary);

        /** Closes the connections. */
        CompletableFuture<Void> close();

        static Primaries of(RedisClient client) {
            StatefulRedisConnection<String, String> connection = client.connect();
            return new Primaries() {
                @Override
                public String of(String key) {
                    return "";
                }

                @Override
                public Mono<RedisAsyncCommands<String, String>> commands(String primary) {
                    return Mono.fromSupplier(connection::async);
                }

                @Override
                public CompletableFuture<Void> close() {
                    return connection.closeAsync();
                }
            };
        }

        static Primaries of(RedisClusterClient client) {
            StatefulRedisClusterConnection<String, String> connection = client.connect();
            return new Primaries() {
                @Override
                public String of(String key) {
                    return connection
                            .getPartitions()
                            .getPartitionBySlot(SlotHash.getSlot(key))
                            .getNodeId();
                }

                @Override
                public Mono<RedisAsyncCommands<String, String>> commands(String primary) {
                    return Mono.fromFuture(() -> connection.getConnectionAsync(primary))
                            .map(StatefulRedisConnection::async);
                }

                @Override
                public CompletableFuture<Void> close() {
                    return connection.closeAsync();
                }
            };
        }
    }

    /**
     * Confirmations by a number of replicas.
     *
     * @param replicas the number of replicas that must have a write
     * @param timeout the time for which they are waited for
     * @param connect connects to the primaries; may block
     * @param scheduler runs the deadline of a round
     */
    Replication(int replicas, Duration timeout, Callable<Primaries> connect, Scheduler scheduler) {
        this.replicas = replicas;
        this.timeout = timeout;
        this.scheduler = scheduler;
        this.connect = connect;
        this.primaries = new AtomicReference<>(connected());
    }

    private Mono<Primaries> connected() {
        return Mono.fromCallable(connect)
                .subscribeOn(Schedulers.boundedElastic())
                .cache(connected -> Duration.ofMillis(Long.MAX_VALUE), error -> Duration.ZERO, () -> Duration.ZERO);
    }

    /**
     * Returns a Mono that completes when the replicas have what was written until its subscription, or are late.
     *
     * @param key a key in the slot of what was written, for a write of this class
     */
    Mono<Void> confirm(String key) {
        return Mono.defer(primaries::get)
                .timeout(timeout.plus(OVERHEAD), scheduler)
                .map(connected -> rounds.computeIfAbsent(connected.of(key), Rounds::new))
                .onErrorResume(error -> {
                    report(1, error.toString());
                    return Mono.empty();
                })
                .flatMap(ofPrimary -> ofPrimary.join(key));
    }

    /** Number of writes that too few replicas had in time. */
    long unconfirmed() {
        return unconfirmed.sum();
    }

    private void checkNumber(String call, List<Object> reply, Mono<Primaries> used) {
        if (reply.equals(List.of(call))) {
            return;
        }
        if (primaries.compareAndSet(used, connected())) {
            used.flatMap(mixedUp -> Mono.fromFuture(mixedUp.close()))
                    .subscribe(closed -> {}, error -> log.debug("A connection to Redis was not closed", error));
        }
        throw new IllegalStateException("Redis has responded to another request. The connection is replaced.");
    }

    private void report(long writes, @Nullable String problem) {
        if (problem != null) {
            unconfirmed.add(writes);
            if (complete.compareAndSet(true, false)) {
                log.warn("A failover of Redis would lose the last writes: " + problem);
            }
        } else if (complete.compareAndSet(false, true)) {
            log.info("Replicas of Redis confirm writes again");
        }
    }

    /** Confirmations of one primary: the round that runs, and the one that follows. */
    private final class Rounds {

        private final String primary;
        /** Guarded by this object, like the next one. */
        private @Nullable Round running;

        private @Nullable Round next;

        Rounds(String primary) {
            this.primary = primary;
        }

        Mono<Void> join(String key) {
            Round round;
            synchronized (this) {
                if (running != null) {
                    if (next == null) {
                        next = new Round(key);
                    }
                    next.writes++;
                    return next.ended.asMono();
                }
                running = round = new Round(key);
                round.writes++;
            }
            run(round);
            return round.ended.asMono();
        }

        private void run(Round round) {
            Mono<Primaries> used = primaries.get();
            used.flatMap(connected -> connected.commands(primary))
                    .flatMap(commands -> written(commands, round.key, used).then(confirmed(commands)))
                    .timeout(timeout.plus(OVERHEAD), scheduler)
                    .subscribe(
                            by -> end(round, by >= replicas ? null : by + " of " + replicas + " replicas have them"),
                            error -> end(round, error.toString()));
        }

        private Mono<Void> written(RedisAsyncCommands<String, String> commands, String key, Mono<Primaries> used) {
            String call = String.valueOf(calls.incrementAndGet());
            return Mono.fromFuture(() -> commands.<List<Object>>eval(
                                    WRITE,
                                    ScriptOutputType.MULTI,
                                    new String[] {key},
                                    String.valueOf(OVERHEAD.toMillis()),
                                    call)
                            .toCompletableFuture())
                    .doOnNext(reply -> checkNumber(call, reply, used))
                    .then();
        }

        private Mono<Long> confirmed(RedisAsyncCommands<String, String> commands) {
            return Mono.fromFuture(() ->
                    commands.waitForReplication(replicas, timeout.toMillis()).toCompletableFuture());
        }

        private void end(Round round, @Nullable String problem) {
            Round following;
            synchronized (this) {
                running = following = next;
                next = null;
            }
            report(round.writes, problem);
            round.ended.tryEmitEmpty();
            if (following != null) {
                run(following);
            }
        }
    }

    private static final class Round {

        final String key;
        final Sinks.Empty<Void> ended = Sinks.empty();
        long writes;

        Round(String key) {
            this.key = key;
        }
    }
}
