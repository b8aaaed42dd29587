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
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.util.ReferenceCountUtil;
import java.net.InetSocketAddress;
import org.jspecify.annotations.Nullable;

/**
 * Stands behind the HTTP codec of each connection: passes on one request that is the answer to a login, refuses any other by
 * itself, and ignores whatever follows the first. Anybody can send what is refused, so it costs little and is not logged.
 */
// Nobody waits for a connection to close.
@SuppressWarnings("FutureReturnValueIgnored")
final class ConnectionGuard extends ChannelInboundHandlerAdapter {

    private final Logins logins;
    private boolean passing;
    private boolean done;

    ConnectionGuard(Logins logins) {
        this.logins = logins;
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
        if (message instanceof HttpRequest request && !done) {
            done = true;
            Answer refusal = refusal(request, port(ctx.channel()));
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

    private @Nullable Answer refusal(HttpRequest request, int port) {
        HttpResponseStatus status = HitRules.refusal(request, port, logins::areOn);
        return status == null ? logins.refusal(request.uri()) : Answer.refusal(status);
    }

    private static void refuse(ChannelHandlerContext ctx, Answer answer) {
        ByteBuf body = ByteBufUtil.writeUtf8(ctx.alloc(), answer.body());
        HttpHeaders headers = answer.headers().copy().setInt(HttpHeaderNames.CONTENT_LENGTH, body.readableBytes());
        ctx.writeAndFlush(new DefaultFullHttpResponse(
                        HttpVersion.HTTP_1_1, answer.status(), body, headers, EmptyHttpHeaders.INSTANCE))
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
