package io.tokenswap.samples.exchange.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lettuce.core.ClientOptions;
import io.lettuce.core.RedisClient;
import io.lettuce.core.SocketOptions;
import io.lettuce.core.cluster.ClusterClientOptions;
import io.lettuce.core.resource.ClientResources;
import io.lettuce.core.resource.NettyCustomizer;
import io.netty.channel.Channel;
import io.tokenswap.samples.exchange.RedisProcess;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Mono;
import reactor.util.retry.Retry;

class RedisMemoryTest {

    private static final Duration TIMEOUT = Duration.ofMinutes(1);

    @Test
    @Tag("E82")
    void theCommandsThatWaitForRedisAreBounded() {
        for (ClientOptions.Builder options : List.of(ClientOptions.builder(), ClusterClientOptions.builder())) {
            RedisMemory.bound(options, SocketOptions.create());

            assertThat(options.build().getRequestQueueSize()).isEqualTo(1_000);
            assertThat(options.build().getDisconnectedBehavior())
                    .isEqualTo(ClientOptions.DisconnectedBehavior.REJECT_COMMANDS);
        }
    }

    /**
     * An exception within the client removes a call from those that wait for a response. Its response is then taken for that
     * of the next call: a claim that was refused would count as made.
     */
    @Test
    @Tag("E82")
    void aConnectionThatMixesUpItsResponsesIsReplacedAndNoneIsTakenForAnother() throws Exception {
        Queue<Channel> channels = new ConcurrentLinkedQueue<>();
        ClientResources resources = ClientResources.builder()
                .nettyCustomizer(new NettyCustomizer() {
                    @Override
                    public void afterChannelInitialized(Channel channel) {
                        channels.add(channel);
                    }
                })
                .build();
        try (RedisProcess redis = new RedisProcess()) {
            RedisMemory memory = RedisMemory.by(RedisClient.create(resources, redis.url()), redis.url());
            try {
                memory.probe().block(TIMEOUT);
                Channel channel = channels.element();
                until(memory.claim("taken", "claim a", TIMEOUT));
                redis.freeze();
                CompletableFuture<Optional<SharedMemory.Entry>> forgotten =
                        memory.read("absent").singleOptional().toFuture();
                channel.eventLoop()
                        .submit(() -> channel.pipeline().fireExceptionCaught(new IllegalStateException("full")))
                        .get();
                redis.thaw();

                assertThat(forgotten).failsWithin(TIMEOUT);
                assertThatThrownBy(() -> until(memory.claim("taken", "claim b", TIMEOUT)))
                        .hasMessageContaining("mixed up");
                channel.closeFuture().get();
                memory.probe().block(TIMEOUT);
                assertThat(until(memory.claim("taken", "claim b", TIMEOUT)))
                        .get()
                        .extracting(SharedMemory.Entry::value)
                        .isEqualTo("claim a");
            } finally {
                memory.dispose();
                resources.shutdown(0, 2, TimeUnit.SECONDS);
            }
        }
    }

    /** Repeats an operation that missed its short deadline on a busy machine. */
    private static Optional<SharedMemory.Entry> until(Mono<SharedMemory.Entry> operation) {
        return operation
                .singleOptional()
                .retryWhen(Retry.indefinitely().filter(TimeoutException.class::isInstance))
                .block(TIMEOUT);
    }
}
