package io.tokenswap.http;

import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.LastHttpContent;
import java.time.Duration;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.core.scheduler.Scheduler;
import reactor.netty.Connection;
import reactor.netty.NettyPipeline;

/**
 * A response with status 401 whose body is kept, in case the caller gets to see it, while its connection is freed for
 * the next attempt.
 *
 * <p>Reactor Netty queues what arrives while there is no subscriber, and this class lets all of the body arrive: at
 * most 64 KiB, for at most one second. The connection is then closed and not used again, because the queue still
 * belongs to it.
 */
final class RefusedResponse extends ChannelInboundHandlerAdapter {

    private static final int LONGEST_BODY = 64 * 1024;
    private static final Duration LONGEST_WAIT = Duration.ofSeconds(1);

    private final Sinks.Empty<Void> arrived = Sinks.empty();
    private long length;

    private RefusedResponse() {}

    /** Completes when the body has arrived, or as much of it as is read. Subscribed to on the event loop of the connection. */
    @SuppressWarnings("FutureReturnValueIgnored")
    static Mono<Void> keepBody(Connection connection, Scheduler timers) {
        return Mono.defer(() -> {
            RefusedResponse refused = new RefusedResponse();
            Channel channel = connection.channel();
            connection.markPersistent(false);
            channel.pipeline().addBefore(NettyPipeline.ReactiveBridge, "tokenswap.refused", refused);
            channel.config().setAutoRead(true);
            return refused.arrived
                    .asMono()
                    .or(connection.onDispose().onErrorComplete())
                    .or(Mono.delay(LONGEST_WAIT, timers).then())
                    .doFinally(signal -> channel.close());
        });
    }

    /** Reads and drops the body that was kept. */
    static void drop(Connection connection) {
        connection.inbound().receive().subscribe(content -> {}, error -> {});
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        if (message instanceof HttpContent content) {
            length += content.content().readableBytes();
        }
        boolean last = message instanceof LastHttpContent;
        context.fireChannelRead(message);
        if (last || length > LONGEST_BODY) {
            arrived.tryEmitEmpty();
        }
    }
}
