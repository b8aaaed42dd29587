package io.tokenswap.samples.exchange.redis;

import static org.assertj.core.api.Assertions.assertThat;

import io.lettuce.core.ClientOptions;
import io.lettuce.core.SocketOptions;
import io.lettuce.core.cluster.ClusterClientOptions;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

class RedisMemoryTest {

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
}
