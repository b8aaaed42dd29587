package io.tokenswap.redis;

import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisCommandExecutionException;
import io.lettuce.core.api.StatefulConnection;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.api.async.RedisScriptingAsyncCommands;
import io.lettuce.core.api.async.RedisServerAsyncCommands;
import io.lettuce.core.cluster.RedisClusterClient;
import io.lettuce.core.cluster.api.StatefulRedisClusterConnection;
import io.lettuce.core.pubsub.RedisPubSubAdapter;
import io.lettuce.core.pubsub.StatefulRedisPubSubConnection;
import io.tokenswap.KeyRing;
import io.tokenswap.session.TokenCodec;
import io.tokenswap.session.TokenStore;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;
import reactor.util.Logger;
import reactor.util.Loggers;

/**
 * Store in Redis 6.2 or newer that several instances of a service share. Redis may be standalone, behind Sentinel, or a
 * cluster. Tokens are sealed; versions and times are not.
 *
 * <pre>{@code
 * TokenStore store = RedisTokenStore.builder(client, keys).grace(Duration.ofSeconds(30)).build();
 * }</pre>
 *
 * <p>Each operation is one script and one round trip. All times are those of the Redis server. The Redis user needs the
 * rights to run scripts on the keys with the prefix; with the rights to publish and to subscribe on the channel
 * {@code <prefix>changed}, nodes learn of changes at once and not at their next poll.
 *
 * <p>A Redis that evicts keys when its memory is full would sign users out. The first use of such a server fails: set
 * {@code maxmemory-policy noeviction}. The check is skipped if the Redis user has no right to {@code CONFIG GET}.
 *
 * <p>An operation fails after 5 seconds without a response, and is then removed from the queue of the client. Each response
 * names its operation. If the client mixes up the responses of a connection, the operation fails and the connection is
 * replaced.
 *
 * <p>Connections are opened at the first use, and closed with the client. The store does not close the client.
 *
 * <p>Immutable and safe for use by any thread. No method blocks. Records are opened and read on threads of this class and
 * not on the event loops of the client.
 */
public final class RedisTokenStore implements TokenStore {

    private static final Script LOAD = new Script("load");
    private static final Script ACQUIRE = new Script("acquire");
    private static final Script EXTEND = new Script("extend");
    private static final Script PUT = new Script("put");
    private static final Script RELEASE = new Script("release");

    /**
     * Two threads for all stores of the process, which open and read records and end what takes too long. The event
     * loops of the client do none of it, and Reactor's schedulers belong to the application, which may keep them busy
     * or shut them down.
     */
    private static final class Worker {
        static final Scheduler SCHEDULER = Schedulers.newParallel("tokenswap-redis", 2, true);
    }

    /** Of several versions of Redis, for a script and for a command within a script. */
    private static final List<String> REFUSALS =
            List.of("NOPERM", "ACL failure", "The user executing the script can't", "unknown command");

    private static final Logger log = Loggers.getLogger(RedisTokenStore.class);

    private static final Duration COMMAND_TIMEOUT = Duration.ofSeconds(5);

    private final KeyRing keys;
    private final String prefix;
    private final Duration grace;
    private final Rotates rotates;
    private final Duration unused;
    private final Duration timeout;
    private final Callable<Commands> connect;
    /** The connection for operations, which is opened at the first use. Another one replaces it if its responses are mixed up. */
    private final AtomicReference<Mono<Commands>> commands;

    private final AtomicLong calls = new AtomicLong();
    private final Callable<StatefulRedisPubSubConnection<String, String>> listen;

    private final @Nullable Replication replication;

    private final AtomicBoolean listening = new AtomicBoolean();
    private final Sinks.Many<String> changes = Sinks.many().multicast().directBestEffort();

    private RedisTokenStore(Builder builder) {
        this.keys = builder.keys;
        this.prefix = builder.prefix;
        this.grace = builder.grace;
        this.rotates = builder.rotates;
        this.unused = builder.unused;
        this.listen = builder.listen;
        this.timeout = builder.timeout;
        this.replication = builder.replicas == 0
                ? null
                : new Replication(builder.replicas, builder.replicaTimeout, builder.primaries, Worker.SCHEDULER);
        this.connect = builder.connect;
        this.commands = new AtomicReference<>(connected());
    }

    /** Connecting blocks: the client has no other way that works without naming its address here. */
    private Mono<Commands> connected() {
        return Mono.fromCallable(connect)
                .subscribeOn(Schedulers.boundedElastic())
                .flatMap(RedisTokenStore::checked)
                .cache(connected -> Duration.ofMillis(Long.MAX_VALUE), error -> Duration.ZERO, () -> Duration.ZERO);
    }

    /**
     * Returns a builder of a store over a client of a standalone Redis or of Redis behind Sentinel.
     *
     * @param client the client, with an address
     * @param keys seals the tokens; all instances need a key in common
     * @return a new builder
     */
    public static Builder builder(RedisClient client, KeyRing keys) {
        return new Builder(
                keys,
                () -> Commands.of(client.connect()),
                client::connectPubSub,
                () -> Replication.Primaries.of(client));
    }

    /**
     * Returns a builder of a store over a client of a Redis cluster.
     *
     * @param client the client
     * @param keys seals the tokens; all instances need a key in common
     * @return a new builder
     */
    public static Builder builder(RedisClusterClient client, KeyRing keys) {
        return new Builder(
                keys,
                () -> Commands.of(client.connect()),
                client::connectPubSub,
                () -> Replication.Primaries.of(client));
    }

    /** Fails if the server may evict keys. */
    private static Mono<Commands> checked(Commands connected) {
        return Mono.fromFuture(
                        () -> connected.server.configGet("maxmemory-policy").toCompletableFuture())
                .timeout(COMMAND_TIMEOUT, Worker.SCHEDULER)
                .onErrorResume(RedisCommandExecutionException.class, noRight -> Mono.just(Map.of()))
                .flatMap(settings -> {
                    String policy = settings.getOrDefault("maxmemory-policy", "noeviction");
                    return policy.equals("noeviction")
                            ? Mono.just(connected)
                            : Mono.error(new IllegalStateException(
                                    "This Redis evicts keys when its memory is full (maxmemory-policy " + policy
                                            + "), which would sign users out. Set maxmemory-policy noeviction."));
                });
    }

    @Override
    public Mono<Entry> load(String key) {
        return run(LOAD, key).map(reply -> entry(key, reply));
    }

    @Override
    public Mono<Acquired> acquire(String key, String owner, Version view, Duration lease) {
        return run(
                        ACQUIRE,
                        key,
                        owner,
                        String.valueOf(view.since().toEpochMilli()),
                        view.login(),
                        String.valueOf(view.number()),
                        String.valueOf(view.attempt()),
                        view.ended() ? "1" : "0",
                        millis(lease),
                        millis(unused))
                .map(reply -> acquired(key, reply))
                .flatMap(acquired -> grace.isZero() && acquired.outcome() == Outcome.GRANTED
                        ? replicated(key, acquired)
                        : Mono.just(acquired));
    }

    @Override
    public Mono<Acquired> extend(String key, String owner, long attempt, Duration lease) {
        return run(EXTEND, key, owner, String.valueOf(attempt), millis(lease)).map(reply -> acquired(key, reply));
    }

    @Override
    public Mono<Entry> put(String key, Record next, Kind kind, String owner, long attempt) {
        return Mono.defer(() -> {
            Instant now = Instant.now();
            Duration lifetime = Duration.between(now, next.expiresAt(now, unused));
            return run(
                            PUT,
                            key,
                            TokenCodec.encode(key, next, keys),
                            kind.name(),
                            owner,
                            String.valueOf(attempt),
                            String.valueOf(Math.max(lifetime.toMillis(), 1_000)),
                            channel(),
                            key)
                    .map(reply -> entry(key, reply))
                    .flatMap(entry -> replicated(key, entry));
        });
    }

    @Override
    public Mono<Void> release(String key, String owner, long attempt, Duration pause, boolean sent) {
        return run(RELEASE, key, owner, String.valueOf(attempt), millis(pause), sent ? "1" : "0", channel(), key)
                .then();
    }

    @Override
    public Flux<String> changes() {
        return Flux.from(subscriber -> {
            changes.asFlux().subscribe(subscriber);
            // After that, so that the subscriber gets the hint with which the notifications begin.
            if (listening.compareAndSet(false, true)) {
                listen();
            }
        });
    }

    @Override
    public Duration grace() {
        return grace;
    }

    @Override
    public Rotates rotates() {
        return rotates;
    }

    /**
     * Returns the number of writes that fewer replicas had in time than {@link Builder#replicas(int)} asks for. A failover
     * loses such a write if the primary does not come back. A session that has seen it puts it back.
     *
     * @return the number since this store was built; 0 if it does not wait for replicas
     */
    public long unconfirmedWrites() {
        return replication == null ? 0 : replication.unconfirmed();
    }

    private void listen() {
        Mono.fromCallable(listen)
                .subscribeOn(Schedulers.boundedElastic())
                .flatMap(connection -> {
                    connection.addListener(new RedisPubSubAdapter<String, String>() {
                        @Override
                        public void message(String channel, String key) {
                            emit(key);
                        }

                        // What changed before the subscription, or before that of a reconnect, was not reported.
                        @Override
                        public void subscribed(String channel, long count) {
                            emit(ANY_KEY);
                        }
                    });
                    return Mono.fromFuture(
                            () -> connection.async().subscribe(channel()).toCompletableFuture());
                })
                // Without notifications the sessions still poll, and the next subscriber tries again.
                .subscribe(nothing -> {}, error -> listening.set(false));
    }

    private void emit(String key) {
        synchronized (changes) {
            changes.tryEmitNext(key);
        }
    }

    private Mono<List<Object>> run(Script script, String key, String... arguments) {
        // One hash slot for both.
        String[] names = {prefix + "{" + key + "}:record", prefix + "{" + key + "}:lease"};
        return Mono.defer(() -> {
                    Mono<Commands> used = commands.get();
                    String call = String.valueOf(calls.incrementAndGet());
                    String[] numbered = Arrays.copyOf(arguments, arguments.length + 1);
                    numbered[arguments.length] = call;
                    return used.flatMap(connected -> script.run(connected.scripting, names, numbered))
                            .onErrorMap(RedisCommandExecutionException.class, this::named)
                            .doOnNext(reply -> checkNumber(call, reply, used));
                })
                .timeout(timeout, Worker.SCHEDULER)
                .publishOn(Worker.SCHEDULER);
    }

    /** Names the remedy where the server's message does not. */
    private Throwable named(RedisCommandExecutionException error) {
        String message = String.valueOf(error.getMessage());
        return REFUSALS.stream().anyMatch(message::contains)
                ? new IllegalStateException(
                        "Redis refused the scripts of this store (" + message
                                + "). The user needs EVAL, EVALSHA, TIME, GET, SET, HMGET, HSET, HDEL and PEXPIRE on "
                                + prefix + "*.",
                        error)
                : error;
    }

    /**
     * Checks that a response is that of a call. The client assigns responses by their order only. An exception within it, for
     * example when direct memory is short, removes one call from that order: every later call then gets the response of
     * another one, until the connection ends.
     */
    private void checkNumber(String call, List<Object> reply, Mono<Commands> used) {
        if (!reply.isEmpty() && call.equals(reply.get(reply.size() - 1))) {
            return;
        }
        if (commands.compareAndSet(used, connected())) {
            log.warn("The responses of a connection to Redis were mixed up. The connection is replaced.");
            used.flatMap(mixedUp -> Mono.fromFuture(mixedUp.connection::closeAsync))
                    .subscribe(closed -> {}, error -> log.debug("A connection to Redis was not closed", error));
        }
        throw new IllegalStateException("Redis has responded to another request. The connection is replaced.");
    }

    /** Emits a result when the replicas have what was written before, or are late. */
    private <T> Mono<T> replicated(String key, T result) {
        return replication == null
                ? Mono.just(result)
                : replication
                        .confirm(prefix + "{" + key + "}:confirm")
                        .publishOn(Worker.SCHEDULER)
                        .thenReturn(result);
    }

    private Entry entry(String key, List<Object> reply) {
        return new Entry(record(key, reply.get(0)), instant(reply.get(1)));
    }

    private Acquired acquired(String key, List<Object> reply) {
        Outcome outcome = Outcome.valueOf((String) reply.get(0));
        Record record = record(key, reply.get(1));
        Instant now = instant(reply.get(2));
        Duration remaining = Duration.ofMillis((Long) reply.get(6));
        return switch (outcome) {
            case GRANTED -> {
                long other = (Long) reply.get(5);
                yield Acquired.granted(
                        record,
                        now,
                        (Long) reply.get(3),
                        instant(reply.get(4)),
                        other < 0 ? null : Duration.ofMillis(other));
            }
            case BUSY -> Acquired.busy(Objects.requireNonNull(record), now, remaining);
            case PAUSED -> Acquired.paused(Objects.requireNonNull(record), now, remaining);
            case MOVED -> Acquired.moved(record, now);
        };
    }

    private @Nullable Record record(String key, Object text) {
        return text.equals("") ? null : TokenCodec.decode(key, (String) text, keys);
    }

    private static Instant instant(Object millis) {
        return Instant.ofEpochMilli((Long) millis);
    }

    private static String millis(Duration duration) {
        return String.valueOf(duration.toMillis());
    }

    private String channel() {
        return prefix + "changed";
    }

    @Override
    public String toString() {
        return "RedisTokenStore[" + prefix + "]";
    }

    /** A connection, and the commands of it that this store uses. */
    private record Commands(
            StatefulConnection<String, String> connection,
            RedisScriptingAsyncCommands<String, String> scripting,
            RedisServerAsyncCommands<String, String> server) {

        static Commands of(StatefulRedisConnection<String, String> connection) {
            return new Commands(connection, connection.async(), connection.async());
        }

        static Commands of(StatefulRedisClusterConnection<String, String> connection) {
            return new Commands(connection, connection.async(), connection.async());
        }
    }

    /** Options of a {@link RedisTokenStore}. Not safe for use by several threads. */
    public static final class Builder {

        private final KeyRing keys;
        private final Callable<Commands> connect;
        private final Callable<StatefulRedisPubSubConnection<String, String>> listen;
        private final Callable<Replication.Primaries> primaries;
        private int replicas;
        private Duration replicaTimeout = Replication.TIMEOUT;
        private String prefix = "tokenswap:";
        private Duration grace = Duration.ZERO;
        private Rotates rotates = Rotates.LEARN;
        private Duration unused = Duration.ofDays(180);
        private Duration timeout = COMMAND_TIMEOUT;

        private Builder(
                KeyRing keys,
                Callable<Commands> connect,
                Callable<StatefulRedisPubSubConnection<String, String>> listen,
                Callable<Replication.Primaries> primaries) {
            this.keys = Objects.requireNonNull(keys, "keys");
            this.connect = connect;
            this.listen = listen;
            this.primaries = primaries;
        }

        /**
         * Sets the prefix of all keys and of the channel.
         *
         * @param prefix the prefix, {@code tokenswap:} by default; without braces, which choose the slot of a key in a cluster
         * @return this builder
         */
        public Builder prefix(String prefix) {
            if (prefix.indexOf('{') >= 0 || prefix.indexOf('}') >= 0) {
                throw new IllegalArgumentException("A prefix has no braces: " + prefix);
            }
            this.prefix = prefix;
            return this;
        }

        /**
         * Sets the time for which the provider still accepts a used refresh token.
         *
         * @param grace the time, zero by default; set 30 seconds if the exchange server of this project is in front of
         *     the provider
         * @return this builder
         */
        public Builder grace(Duration grace) {
            this.grace = notNegative(grace);
            return this;
        }

        /**
         * Sets the provider's rotation: a new refresh token at each refresh, the same one, or to be learned from its
         * responses.
         *
         * @param rotates {@link Rotates#LEARN} by default
         * @return this builder
         */
        public Builder rotates(Rotates rotates) {
            this.rotates = Objects.requireNonNull(rotates, "rotates");
            return this;
        }

        /**
         * Sets the time after which an unused token is removed if the end of its grant is not known.
         *
         * @param unused the time since the last write, 180 days by default, at least a day
         * @return this builder
         */
        public Builder unused(Duration unused) {
            if (unused.compareTo(Duration.ofDays(1)) < 0) {
                throw new IllegalArgumentException("Tokens are kept for a day at least, not " + unused);
            }
            this.unused = unused;
            return this;
        }

        /**
         * Sets the number of replicas that must have a write before the store completes it, so that a failover does not
         * lose it. They are waited for during 500 milliseconds, on a separate connection, so that reads and the writes
         * of others go on. If they are late the write still completes; it is counted by {@link
         * RedisTokenStore#unconfirmedWrites()}, and the first one is logged. Without a grace at the provider, a lease is
         * confirmed in the same way before a refresh token is used.
         *
         * <p>The Redis user then also needs the right to {@code WAIT}. A write takes one round trip more
         * for the store and, in turn, one round trip between primary and replica.
         *
         * @param replicas the number, 0 by default: a write is complete when the primary has it
         * @return this builder
         */
        public Builder replicas(int replicas) {
            if (replicas < 0) {
                throw new IllegalArgumentException("A number of replicas is not negative: " + replicas);
            }
            this.replicas = replicas;
            return this;
        }

        /** Sets the time for which replicas are waited for. */
        Builder replicaTimeout(Duration replicaTimeout) {
            this.replicaTimeout = replicaTimeout;
            return this;
        }

        /** Sets the time after which an operation without a response fails. */
        Builder timeout(Duration timeout) {
            this.timeout = timeout;
            return this;
        }

        private static Duration notNegative(Duration duration) {
            if (duration.isNegative()) {
                throw new IllegalArgumentException("A duration is not negative: " + duration);
            }
            return duration;
        }

        /**
         * Completes the store. Nothing is connected yet.
         *
         * @return a new store
         */
        public RedisTokenStore build() {
            return new RedisTokenStore(this);
        }
    }
}
