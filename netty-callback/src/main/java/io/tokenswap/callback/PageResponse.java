package io.tokenswap.callback;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.DefaultHttpHeaders;
import io.netty.handler.codec.http.EmptyHttpHeaders;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpVersion;
import java.net.URI;

/**
 * Complete response. This class writes every response of the receiver. Each response forbids caching, framing, sniffing
 * and referrers.
 */
record PageResponse(HttpResponseStatus status, HttpHeaders headers, String body) {

    static final String FRAMES_ONLY = "frame-ancestors 'none'";
    private static final String NOTHING = "default-src 'none'; " + FRAMES_ONLY;

    static PageResponse html(HttpResponseStatus status, String html, String securityPolicy) {
        HttpHeaders headers = headers(securityPolicy).set("Content-Type", "text/html; charset=utf-8");
        if (HttpResponseStatus.METHOD_NOT_ALLOWED.equals(status)) {
            headers.set("Allow", "GET");
        }
        return new PageResponse(status, headers, html);
    }

    static PageResponse redirect(URI target) {
        HttpHeaders headers = headers(NOTHING).set("Location", target.toASCIIString());
        return new PageResponse(HttpResponseStatus.SEE_OTHER, headers, "");
    }

    private static HttpHeaders headers(String securityPolicy) {
        return new DefaultHttpHeaders()
                .set("Cache-Control", "no-store")
                .set("Pragma", "no-cache")
                .set("Referrer-Policy", "no-referrer")
                .set("Content-Security-Policy", securityPolicy)
                .set("X-Content-Type-Options", "nosniff")
                .set("X-Frame-Options", "DENY")
                .set("Cross-Origin-Resource-Policy", "same-origin")
                .set("Connection", "close");
    }

    /**
     * Writes this response. The caller closes the connection afterwards.
     *
     * @return completes when the last byte was handed to the system
     */
    ChannelFuture write(ChannelHandlerContext ctx) {
        ByteBuf content = ByteBufUtil.writeUtf8(ctx.alloc(), body);
        HttpHeaders sent = headers.copy().setInt(HttpHeaderNames.CONTENT_LENGTH, content.readableBytes());
        return ctx.writeAndFlush(
                new DefaultFullHttpResponse(HttpVersion.HTTP_1_1, status, content, sent, EmptyHttpHeaders.INSTANCE));
    }
}
