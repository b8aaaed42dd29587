package io.tokenswap.callback;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.EmptyHttpHeaders;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.util.ReferenceCountUtil;
import java.net.InetSocketAddress;
import java.util.function.Predicate;

/**
 * Stands behind the HTTP codec of each connection: passes on one request that the {@link HitRules} let through, answers any
 * other by itself, and ignores whatever follows the first. Refusals thus cost little and write nothing to any log.
 */
// Nobody waits for a connection to close.
@SuppressWarnings("FutureReturnValueIgnored")
final class ConnectionGuard extends ChannelInboundHandlerAdapter {

    private final Predicate<? super String> path;
    private boolean passing;
    private boolean done;

    ConnectionGuard(Predicate<? super String> path) {
        this.path = path;
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
        if (message instanceof HttpRequest request && !done) {
            done = true;
            HttpResponseStatus refusal = HitRules.refusal(request, port(ctx.channel()), path);
            if (refusal == null) {
                passing = true;
                ctx.fireChannelRead(message);
                return;
            }
            refuse(ctx, refusal);
        } else if (passing) {
            passing = !(message instanceof LastHttpContent);
            ctx.fireChannelRead(message);
            return;
        }
        ReferenceCountUtil.release(message);
    }

    private static void refuse(ChannelHandlerContext ctx, HttpResponseStatus status) {
        Answer answer = Answer.refusal(status);
        ByteBuf body = ByteBufUtil.writeUtf8(ctx.alloc(), answer.body());
        answer.headers().setInt(HttpHeaderNames.CONTENT_LENGTH, body.readableBytes());
        ctx.writeAndFlush(new DefaultFullHttpResponse(
                        HttpVersion.HTTP_1_1, status, body, answer.headers(), EmptyHttpHeaders.INSTANCE))
                .addListener(ChannelFutureListener.CLOSE);
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        // A peer that is gone, or bytes that no decoder understands: nobody is left to tell.
        ctx.close();
    }

    private static int port(Channel channel) {
        return ((InetSocketAddress) channel.localAddress()).getPort();
    }
}
