package io.tokenswap.callback;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.util.ByteProcessor;

/**
 * Guard before the HTTP codec of each connection that stops bytes which the codec would accept. Bytes that do not begin
 * with a letter are not HTTP. The codec would skip control bytes, or wait for the end of a line that a TLS handshake
 * never sends. It would also join a header line that is continued on the next line.
 *
 * <p>In place of the bytes it passes on a {@link Finding}, which the codec lets through to the {@link RedirectHandler}.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc9112#section-5.2">RFC 9112 section 5.2</a>
 */
final class RawRequestGuard extends ChannelInboundHandlerAdapter implements ByteProcessor {

    /** The reason to stop reading. */
    enum Finding {
        /** The bytes are no HTTP/1.1 request. */
        MALFORMED,
        /** A browser used https. */
        TLS_HANDSHAKE
    }

    private static final byte TLS = 0x16;

    private int last = -1;
    private boolean stopped;

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
        ByteBuf bytes = (ByteBuf) message;
        if (!stopped && bytes.forEachByte(this) < 0) {
            ctx.fireChannelRead(message);
            return;
        }
        bytes.release();
        if (!stopped) {
            stopped = true;
            ctx.fireChannelRead(last == TLS ? Finding.TLS_HANDSHAKE : Finding.MALFORMED);
        }
    }

    /** Returns true if a byte may follow the bytes before it. */
    @Override
    public boolean process(byte next) {
        boolean legal = last < 0
                ? (next >= 'A' && next <= 'Z') || (next >= 'a' && next <= 'z')
                : last != '\n' || (next != ' ' && next != '\t');
        last = next;
        return legal;
    }
}
