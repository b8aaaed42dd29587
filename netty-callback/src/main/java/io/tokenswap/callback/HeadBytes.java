package io.tokenswap.callback;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.codec.http.HttpResponseStatus;

/**
 * Stands before the HTTP codec of each connection and refuses the bytes that the codec would make something of. What does not
 * begin with a letter is not HTTP: the codec would skip control bytes, or wait for the end of a line that a TLS handshake never
 * ends. A header line that is continued on the next would be joined.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc9112#section-5.2">RFC 9112 section 5.2</a>
 */
// Nobody waits for a connection to close.
@SuppressWarnings("FutureReturnValueIgnored")
final class HeadBytes extends ChannelInboundHandlerAdapter {

    private static final byte TLS_HANDSHAKE = 0x16;
    private static final String BAD_REQUEST = "HTTP/1.1 " + HttpResponseStatus.BAD_REQUEST
            + "\r\nContent-Length: 0\r\nConnection: close\r\nCache-Control: no-store\r\n\r\n";

    private final Runnable onTls;
    private int last = -1;
    private boolean refused;

    HeadBytes(Runnable onTls) {
        this.onTls = onTls;
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
        ByteBuf bytes = (ByteBuf) message;
        refused |= bytes.forEachByte(this::isLegal) >= 0;
        if (!refused) {
            ctx.fireChannelRead(message);
            return;
        }
        boolean tls = last == TLS_HANDSHAKE;
        bytes.release();
        if (tls) {
            onTls.run();
            ctx.close();
        } else {
            ctx.writeAndFlush(ByteBufUtil.writeAscii(ctx.alloc(), BAD_REQUEST))
                    .addListener(ChannelFutureListener.CLOSE);
        }
    }

    private boolean isLegal(byte next) {
        boolean legal = last < 0
                ? (next >= 'A' && next <= 'Z') || (next >= 'a' && next <= 'z')
                : last != '\n' || (next != ' ' && next != '\t');
        last = next;
        return legal;
    }
}
