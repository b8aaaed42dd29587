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
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpStatusClass;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.util.ReferenceCountUtil;
import org.jspecify.annotations.Nullable;
import reactor.netty.Connection;
import reactor.netty.NettyPipeline;

/**
 * Closes a connection that carries more responses than requests. Otherwise the next request could receive the surplus
 * response, and one user the token of another.
 *
 * <pre>
 *  request  -->
 *           <--  103 Early Hints    interim response: dropped, up to 8 of them
 *           <--  response
 *           <--  response           unsolicited: the connection is closed, and the next request takes another one
 * </pre>
 *
 * <p>Reactor Netty returns the connection to the pool as soon as it sees the end of a response. The guard therefore
 * holds the end until every byte of the same read has been inspected.
 *
 * <p>A message that is not HTTP is passed on without its text: the text may hold a token, and Reactor Netty logs the
 * failure.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc9112#section-9.2">RFC 9112 section 9.2</a>
 * @see <a href="https://www.rfc-editor.org/rfc/rfc9110#section-15.2">RFC 9110 section 15.2</a>
 */
// The promise of a write belongs to its caller, and no caller waits for the connection to close.
@SuppressWarnings("FutureReturnValueIgnored")
final class UnsolicitedResponseGuard extends ChannelDuplexHandler {

    private static final int MOST_INTERIM_RESPONSES = 8;

    private int outstandingRequests;
    private int interimResponses;
    private boolean inInterimResponse;
    private boolean unsolicited;
    private @Nullable Object end;

    private UnsolicitedResponseGuard() {}

    /** Guards a new HTTP/1.1 connection. HTTP/2 needs no guard, because it numbers its responses. */
    static void on(Channel channel) {
        if (channel.pipeline().get(NettyPipeline.HttpCodec) != null) {
            channel.pipeline().addAfter(NettyPipeline.HttpCodec, "tokenswap.responses", new UnsolicitedResponseGuard());
        }
    }

    @Override
    public void write(ChannelHandlerContext context, Object message, ChannelPromise promise) {
        if (message instanceof HttpRequest) {
            outstandingRequests++;
            interimResponses = 0;
        }
        context.write(message, promise);
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        if (message instanceof HttpObject part && part.decoderResult().isFailure()) {
            part.setDecoderResult(DecoderResult.failure(new DecoderException("The response is not HTTP")));
        }
        if (message instanceof HttpResponse response) {
            startResponse(response);
        }
        if (unsolicited || inInterimResponse) {
            ReferenceCountUtil.release(message);
        } else if (message instanceof LastHttpContent) {
            end = message;
        } else {
            context.fireChannelRead(message);
        }
    }

    private void startResponse(HttpResponse response) {
        unsolicited |= outstandingRequests == 0;
        inInterimResponse = isInterim(response);
        if (inInterimResponse && interimResponses++ == MOST_INTERIM_RESPONSES) {
            response.setDecoderResult(DecoderResult.failure(new DecoderException("Too many interim responses")));
            inInterimResponse = false;
        }
        if (!inInterimResponse) {
            outstandingRequests--;
        }
    }

    /** Returns whether another response follows. None follows a 101, which no token request asks for. */
    private static boolean isInterim(HttpResponse response) {
        return response.status().codeClass() == HttpStatusClass.INFORMATIONAL
                && !HttpResponseStatus.SWITCHING_PROTOCOLS.equals(response.status())
                && response.decoderResult().isSuccess();
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext context) {
        Object held = end;
        if (held != null) {
            end = null; // the next handler releases it, also if it closes the connection at once
            if (unsolicited) {
                Connection.from(context.channel()).markPersistent(false);
            }
            context.fireChannelRead(held);
        }
        if (unsolicited) {
            context.close();
        } else if (inInterimResponse) {
            context.read(); // Reactor Netty does not know that it must read on
        }
        context.fireChannelReadComplete();
    }

    @Override
    public void handlerRemoved(ChannelHandlerContext context) {
        ReferenceCountUtil.release(end);
    }
}
