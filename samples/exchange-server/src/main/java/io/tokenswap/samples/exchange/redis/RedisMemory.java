package io.tokenswap.samples.exchange.redis;

import io.lettuce.core.AbstractRedisClient;
import io.lettuce.core.ClientOptions;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisCommandTimeoutException;
import io.lettuce.core.RedisURI;
import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.SocketOptions;
import io.lettuce.core.TimeoutOptions;
import io.lettuce.core.api.StatefulConnection;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.api.async.RedisScriptingAsyncCommands;
import io.lettuce.core.cluster.ClusterClientOptions;
import io.lettuce.core.cluster.RedisClusterClient;
import io.lettuce.core.cluster.RedisClusterURIUtil;
import io.lettuce.core.cluster.api.StatefulRedisClusterConnection;
import io.netty.channel.ConnectTimeoutException;
import io.tokenswap.internal.Timers;
import java.net.URI;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReferenceFieldUpdater;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;
import reactor.util.retry.Retry;

/**
 * Shared memory in Redis: one server, one that Sentinel names, or a cluster.
 *
 * <p>A connection that has lost its peer without a reset would stay silent for minutes. Therefore a beat goes out each
 * second, and after three beats without a response the connection is replaced. Results are emitted on threads of this
 * class, so that Lettuce's event loops do nothing but their own work.
 */
public final class RedisMemory implements SharedMemory, Disposable {

    // The last argument of each script is the number of its call, which each response repeats.

    private static final String CLAIM = """
            local value = redis.call('GET', KEYS[1])
            if value then return {ARGV[3], value, redis.call('PTTL', KEYS[1])} end
            redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2], 'NX')
            return {ARGV[3]}
            """;

    private static final String READ = """
            local value = redis.call('GET', KEYS[1])
            if value then return {ARGV[1], value, redis.call('PTTL', KEYS[1])} end
            return {ARGV[1]}
            """;

    private static final String REPLACE = """
            if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) end
            return {ARGV[4]}
            """;

    private static final String REMOVE = """
            if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
            return {ARGV[2]}
            """;

    private static final String ANNOUNCE = """
            local now = redis.call('TIME')
            local millis = now[1] * 1000 + math.floor(now[2] / 1000)
            redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', millis)
            redis.call('ZADD', KEYS[1], millis + ARGV[2], ARGV[1])
            redis.call('PEXPIRE', KEYS[1], ARGV[2])
            local names = redis.call('ZRANGE', KEYS[1], 0, -1)
            table.insert(names, 1, ARGV[3])
            return names
            """;

    private static final Duration BEAT = Duration.ofSeconds(1);
    private static final int MOST_MISSED_BEATS = 3;
    /** Repeats of a probe that has timed out. */
    private static final int PROBES = 9;

    private static final Duration PROBE_DEADLINE = Duration.ofSeconds(10);
    private static final Duration CONNECT = Duration.ofSeconds(1);
    private static final int MOST_COMMANDS = 1_000;
    /** Each command has a deadline here already. */
    private static final TimeoutOptions WITHOUT_TIMEOUTS =
            TimeoutOptions.builder().timeoutCommands(false).build();

    private static final String PREFIX = "tokenswap:exchange:";

    private static final Logger log = LoggerFactory.getLogger(RedisMemory.class);

    private static final AtomicReferenceFieldUpdater<RedisMemory, @Nullable Connection> CONNECTION =
            AtomicReferenceFieldUpdater.newUpdater(RedisMemory.class, Connection.class, "connection");

    private final String address;
    private final AbstractRedisClient client;
    private final Callable<Connection> connect;
    private final Scheduler scheduler = Schedulers.newParallel("exchange-redis", 2, true);
    private final Disposable.Swap beats = Disposables.swap();
    private final AtomicInteger missed = new AtomicInteger();
    private final AtomicLong calls = new AtomicLong();
    private volatile @Nullable Connection connection;
    private volatile boolean reachable;

    private RedisMemory(String address, AbstractRedisClient client, Callable<Connection> connect) {
        this.address = address;
        this.client = client;
        this.connect = connect;
    }

    /**
     * Makes a memory without connecting.
     *
     * @param url {@code redis://}, {@code rediss://}, {@code redis-sentinel://}, {@code rediss-sentinel://}, or a list
     *     of nodes of a cluster as {@code redis-cluster://} or {@code rediss-cluster://}
     * @throws IllegalArgumentException if the URL is none of these
     */
    public static RedisMemory at(String url) {
        SocketOptions socket = SocketOptions.builder()
                .connectTimeout(CONNECT)
                .keepAlive(true)
                .tcpNoDelay(true)
                .build();
        if (url.contains("-cluster://")) {
            List<RedisURI> nodes = RedisClusterURIUtil.toRedisURIs(URI.create(url.replaceFirst("-cluster://", "://")));
            nodes.forEach(node -> node.setTimeout(CONNECT));
            RedisClusterClient client = RedisClusterClient.create(nodes);
            ClusterClientOptions.Builder options = ClusterClientOptions.builder();
            bound(options, socket);
            client.setOptions(options.build());
            return new RedisMemory(String.valueOf(nodes.get(0)), client, () -> Connection.of(client.connect()));
        }
        RedisURI uri = RedisURI.create(url);
        uri.setTimeout(CONNECT);
        RedisClient client = RedisClient.create(uri);
        ClientOptions.Builder options = ClientOptions.builder();
        bound(options, socket);
        client.setOptions(options.build());
        // The text of a RedisURI hides its password.
        return by(client, String.valueOf(uri));
    }

    static RedisMemory by(RedisClient client, String address) {
        return new RedisMemory(address, client, () -> Connection.of(client.connect()));
    }

    /** Bounds the commands that wait: none waits for a lost connection, and no more than a queue of a few for a slow one. */
    static void bound(ClientOptions.Builder options, SocketOptions socket) {
        options.socketOptions(socket)
                .disconnectedBehavior(ClientOptions.DisconnectedBehavior.REJECT_COMMANDS)
                .requestQueueSize(MOST_COMMANDS)
                .timeoutOptions(WITHOUT_TIMEOUTS);
    }

    /**
     * Connects, and stays connected.
     *
     * @param beat an operation on this memory, sent each second
     */
    public void start(Supplier<Mono<Void>> beat) {
        beats.update(Flux.interval(Duration.ZERO, BEAT, Timers.scheduler())
                .onBackpressureDrop()
                .concatMap(tick -> beat(beat.get()), 0)
                .subscribe());
    }

    /**
     * Connects and sends one command, with more time than an operation has. Emits an error with the address and the cause if
     * Redis does not respond.
     */
    public Mono<Void> probe() {
        return connected()
                .then(Mono.defer(() -> run(PROBE_DEADLINE, READ, "probe")))
                .retryWhen(Retry.fixedDelay(PROBES, BEAT)
                        .filter(RedisMemory::isTimeout)
                        .onRetryExhaustedThrow((spec, signal) -> signal.failure()))
                .onErrorMap(failure -> new IllegalStateException(
                        "Redis does not respond (" + address + "): " + cause(failure), failure))
                .then();
    }

    private static boolean isTimeout(Throwable failure) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof TimeoutException
                    || cause instanceof RedisCommandTimeoutException
                    || cause instanceof ConnectTimeoutException) {
                return true;
            }
        }
        return false;
    }

    /** Returns true if the last beat got its response. */
    public boolean isReachable() {
        return reachable;
    }

    private Mono<Void> beat(Mono<Void> beat) {
        return connected()
                .then(beat)
                .doOnSuccess(done -> {
                    missed.set(0);
                    if (!reachable) {
                        reachable = true;
                        log.info("Redis responds ({}).", address);
                    }
                })
                .onErrorResume(failure -> {
                    boolean wasReachable = reachable;
                    reachable = false;
                    if (missed.incrementAndGet() == MOST_MISSED_BEATS || wasReachable || connection == null) {
                        log.warn(
                                "Redis does not respond ({}): {}. It is tried again each second.",
                                address,
                                cause(failure));
                    }
                    return missed.get() >= MOST_MISSED_BEATS ? replaceConnection() : Mono.empty();
                });
    }

    /** Connecting blocks: the client has no other way for all of its kinds. */
    private Mono<Void> connected() {
        return Mono.defer(() -> connection != null
                ? Mono.empty()
                : Mono.fromCallable(connect)
                        .subscribeOn(Timers.scheduler())
                        .doOnNext(fresh -> connection = fresh)
                        .then());
    }

    private Mono<Void> replaceConnection() {
        Connection old = connection;
        connection = null;
        missed.set(0);
        return old == null ? Mono.empty() : close(old);
    }

    private static Mono<Void> close(Connection old) {
        return Mono.fromFuture(old.connection.closeAsync().toCompletableFuture())
                .onErrorComplete();
    }

    @Override
    public Mono<Entry> claim(String key, String claim, Duration life) {
        return entry(run(CLAIM, key, claim, millis(life)));
    }

    @Override
    public Mono<Entry> read(String key) {
        return entry(run(READ, key));
    }

    @Override
    public Mono<Void> replace(String key, String claim, String value, Duration life) {
        return run(REPLACE, key, claim, value, millis(life)).then();
    }

    @Override
    public Mono<Void> remove(String key, String claim) {
        return run(REMOVE, key, claim).then();
    }

    @Override
    public Mono<List<String>> announce(String list, String name, Duration life) {
        return run(ANNOUNCE, list, name, millis(life))
                .map(names -> names.stream().map(String::valueOf).toList());
    }

    private static Mono<Entry> entry(Mono<List<Object>> reply) {
        return reply.filter(values -> !values.isEmpty())
                .map(values -> new Entry((String) values.get(0), Duration.ofMillis((Long) values.get(1))));
    }

    private Mono<List<Object>> run(String script, String key, String... arguments) {
        return run(DEADLINE, script, key, arguments);
    }

    private Mono<List<Object>> run(Duration deadline, String script, String key, String... arguments) {
        return Mono.defer(() -> {
                    Connection current = connection;
                    return current == null
                            ? Mono.error(new IllegalStateException("not connected"))
                            : send(current, script, key, arguments);
                })
                .timeout(deadline, scheduler)
                .publishOn(scheduler);
    }

    private Mono<List<Object>> send(Connection current, String script, String key, String... arguments) {
        String call = String.valueOf(calls.incrementAndGet());
        String[] numbered = Arrays.copyOf(arguments, arguments.length + 1);
        numbered[arguments.length] = call;
        return Mono.fromFuture(current.commands
                        .<List<Object>>eval(script, ScriptOutputType.MULTI, new String[] {PREFIX + key}, numbered)
                        .toCompletableFuture())
                .flatMap(reply ->
                        call.equals(reply.get(0)) ? Mono.just(reply.subList(1, reply.size())) : mixedUp(current));
    }

    /**
     * Fails an operation whose response is that of another one. The client assigns responses by their order only. An exception
     * within it, for example when direct memory is short, removes one call from that order: every later call would get the
     * response of another one, until the connection ends.
     */
    private <T> Mono<T> mixedUp(Connection current) {
        IllegalStateException failure = new IllegalStateException("responses were mixed up");
        if (!CONNECTION.compareAndSet(this, current, null)) {
            return Mono.error(failure);
        }
        log.warn("The responses of the connection to Redis were mixed up ({}). It is replaced.", address);
        missed.set(0);
        return close(current).then(Mono.error(failure));
    }

    private static String millis(Duration duration) {
        return String.valueOf(duration.toMillis());
    }

    private static String cause(Throwable failure) {
        Throwable cause = failure;
        while (cause.getCause() != null) {
            cause = cause.getCause();
        }
        String message = String.valueOf(cause.getMessage());
        // Redis quotes nothing of a command in its errors; a password error is a constant.
        return cause.getClass().getSimpleName() + ", " + message.substring(0, Math.min(message.length(), 200));
    }

    @Override
    public void dispose() {
        beats.dispose();
        client.shutdownAsync(0, 2, TimeUnit.SECONDS).exceptionally(failure -> {
            log.warn("The connection to Redis ended with {}.", cause(failure));
            return null;
        });
        scheduler.dispose();
    }

    /** One kind of connection for a server and a cluster. */
    private record Connection(
            StatefulConnection<String, String> connection, RedisScriptingAsyncCommands<String, String> commands) {

        static Connection of(StatefulRedisConnection<String, String> connection) {
            return new Connection(connection, connection.async());
        }

        static Connection of(StatefulRedisClusterConnection<String, String> connection) {
            return new Connection(connection, connection.async());
        }
    }
}
