package io.tokenswap.http;

import io.netty.channel.Channel;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;
import io.netty.handler.codec.DecoderException;
import io.netty.handler.codec.DecoderResult;
import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpStatusClass;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.util.ReferenceCountUtil;
import org.jspecify.annotations.Nullable;
import reactor.netty.Connection;
import reactor.netty.NettyPipeline;

/**
 * Ends a connection on which more is answered than was asked: what follows might be taken for the answer to the next request, and
 * so one user's token for another's.
 *
 * <pre>
 *  request  -->
 *           <--  answer
 *           <--  answer      nobody has asked: closed, and the next request takes another connection
 * </pre>
 *
 * <p>What is no HTTP is passed on without a quote of it: it may hold a token, and Reactor Netty logs why it failed.
 *
 * <p>With the end of an answer the connection is the next request's, at once and before the bytes behind it were looked at. So
 * the end is held back until all that came with it has been.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc9112#section-9.2">RFC 9112 section 9.2</a>
 */
// Who writes waits for the promise, and nobody waits for a connection to close.
@SuppressWarnings("FutureReturnValueIgnored")
final class AnswerGuard extends ChannelDuplexHandler {

    private int unanswered;
    private boolean informational;
    private boolean over;
    private @Nullable Object end;

    private AnswerGuard() {}

    /** Guards a new connection; one of HTTP/2 tells by itself what answers what. */
    static void on(Channel channel) {
        if (channel.pipeline().get(NettyPipeline.HttpCodec) != null) {
            channel.pipeline().addAfter(NettyPipeline.HttpCodec, "tokenswap.answers", new AnswerGuard());
        }
    }

    @Override
    public void write(ChannelHandlerContext context, Object message, ChannelPromise promise) {
        if (message instanceof HttpRequest) {
            unanswered++;
        }
        context.write(message, promise);
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        if (message instanceof HttpObject part && part.decoderResult().isFailure()) {
            part.setDecoderResult(DecoderResult.failure(new DecoderException("The answer is not HTTP")));
        }
        if (message instanceof HttpResponse response) {
            informational = response.status().codeClass() == HttpStatusClass.INFORMATIONAL;
            over |= unanswered == 0;
            unanswered -= informational ? 0 : 1;
        }
        if (over) {
            ReferenceCountUtil.release(message);
        } else if (message instanceof LastHttpContent && !informational) {
            end = message;
        } else {
            context.fireChannelRead(message);
        }
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext context) {
        Object held = end;
        if (held != null) {
            end = null; // whoever gets it releases it, also if this closes the connection at once
            if (over) {
                Connection.from(context.channel()).markPersistent(false);
            }
            context.fireChannelRead(held);
        }
        if (over) {
            context.close();
        }
        context.fireChannelReadComplete();
    }

    @Override
    public void handlerRemoved(ChannelHandlerContext context) {
        ReferenceCountUtil.release(end);
    }
}
