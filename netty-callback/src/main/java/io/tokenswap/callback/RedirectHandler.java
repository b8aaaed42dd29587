package io.tokenswap.callback;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.socket.DuplexChannel;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.util.ReferenceCountUtil;
import io.tokenswap.callback.RawRequestGuard.Finding;
import io.tokenswap.callback.RequestFilter.Target;
import java.net.InetSocketAddress;
import java.util.concurrent.TimeUnit;
import reactor.core.Disposable;
import reactor.util.Logger;
import reactor.util.Loggers;

/**
 * Handler behind the HTTP codec of each connection that responds to its first and only request. It parses and judges
 * every request of the receiver and sends every response. Nothing is passed on to Reactor Netty.
 *
 * <p>A redirect that ends a login holds its response until the outcome of the login is known. All other requests are
 * refused at once. Any program can send them, so a refusal costs little and is logged at DEBUG only.
 */
// Nothing waits for a connection to close.
@SuppressWarnings("FutureReturnValueIgnored")
final class RedirectHandler extends ChannelInboundHandlerAdapter {

    private static final Logger log = Loggers.getLogger(RedirectHandler.class);

    private final PendingLogins logins;
    private final ConnectionLimit connections;
    private final Runnable onTls;
    private boolean done;

    RedirectHandler(PendingLogins logins, ConnectionLimit connections, Runnable onTls) {
        this.logins = logins;
        this.connections = connections;
        this.onTls = onTls;
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
        try {
            if (!done && message instanceof HttpRequest request) {
                done = true;
                respond(ctx, request);
            } else if (!done && message instanceof Finding finding) {
                done = true;
                respond(ctx, finding);
            }
        } finally {
            ReferenceCountUtil.release(message);
        }
    }

    private void respond(ChannelHandlerContext ctx, HttpRequest request) {
        int port = ((InetSocketAddress) ctx.channel().localAddress()).getPort();
        Target target = Target.parse(request.uri());
        HttpResponseStatus refusal = RequestFilter.refusal(request, target, port, logins::areOn);
        if (refusal != null) {
            refuse(ctx, refusal, target);
            return;
        }
        PendingLogin.Redirect redirect = logins.receive(target);
        if (redirect == null) {
            log.debug("Port {}: a redirect that belongs to no login", port);
            end(ctx, logins.unknown(target));
            return;
        }
        connections.keep(ctx.channel());
        Disposable page = redirect.page().subscribe(ready -> ctx.executor().execute(() -> end(ctx, ready)));
        ctx.channel().closeFuture().addListener(closed -> {
            page.dispose();
            redirect.closed();
        });
    }

    private void respond(ChannelHandlerContext ctx, Finding finding) {
        if (finding == Finding.TLS_HANDSHAKE) {
            onTls.run();
            ctx.close();
        } else {
            end(ctx, logins.refusal(HttpResponseStatus.BAD_REQUEST, Target.parse("")));
        }
    }

    private void refuse(ChannelHandlerContext ctx, HttpResponseStatus status, Target target) {
        log.debug("Refused a request with {}", status);
        PageResponse response = logins.refusal(status, target);
        if (HttpResponseStatus.REQUEST_HEADER_FIELDS_TOO_LARGE.equals(status)
                || HttpResponseStatus.REQUEST_URI_TOO_LONG.equals(status)) {
            endUnread(ctx, response);
        } else {
            end(ctx, response);
        }
    }

    private static void end(ChannelHandlerContext ctx, PageResponse response) {
        response.write(ctx).addListener(written -> ctx.close());
    }

    /**
     * Ends a connection whose request has not been read to its end. If the connection were closed at once, the system
     * would reset it, and the browser might show an error instead of the page. Therefore only the output is closed, and
     * the rest of the input is read and dropped for a second.
     */
    private void endUnread(ChannelHandlerContext ctx, PageResponse response) {
        ctx.pipeline().addFirst("tokenswap.discard", new Discard());
        response.write(ctx).addListener(written -> {
            if (ctx.channel() instanceof DuplexChannel channel) {
                channel.shutdownOutput();
            }
            ctx.executor().schedule(() -> ctx.close(), 1, TimeUnit.SECONDS);
        });
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        // The peer is gone, or a decoder failed: there is no one to respond to.
        ctx.close();
    }

    /** Drops what is left of a request, up to a bound. */
    private static final class Discard extends ChannelInboundHandlerAdapter {

        private static final int MOST = 256 * 1024;

        private int dropped;

        @Override
        public void channelRead(ChannelHandlerContext ctx, Object message) {
            dropped += ((ByteBuf) message).readableBytes();
            ReferenceCountUtil.release(message);
            if (dropped > MOST) {
                ctx.close();
            }
        }
    }
}
