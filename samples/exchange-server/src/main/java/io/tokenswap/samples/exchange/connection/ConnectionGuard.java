package io.tokenswap.samples.exchange.connection;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPipeline;
import io.netty.channel.ChannelPromise;
import io.netty.channel.socket.DuplexChannel;
import io.netty.handler.codec.TooLongFrameException;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpStatusClass;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.handler.codec.http.TooLongHttpHeaderException;
import io.netty.handler.codec.http.TooLongHttpLineException;
import io.netty.handler.ssl.SslHandler;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.Future;
import io.netty.util.concurrent.ScheduledFuture;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import reactor.netty.NettyPipeline;

/**
 * Guards one connection: gives each phase of a request a deadline, and refuses requests that proxies and servers read
 * differently.
 *
 * <p>There are two halves. The outer half stands before the HTTP codec and sees bytes. The inner half stands behind the
 * codec and sees requests. Each request passes through these phases:
 *
 * <pre>
 *   idle --first byte--> head --end of head--> body --last byte--> response --taken--> idle
 *                         |10 s                |10 s                |10 s
 *   every refusal and every response to an unfinished request:  half-closed, rest read for 2 s or 64 KiB, closed
 * </pre>
 *
 * <p>Closing a connection with unread bytes makes the kernel send a reset, and the client may lose the response.
 * Therefore the outer half closes only its own direction first, and reads a bounded rest.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc9112#section-9.6">RFC 9112 section 9.6</a>
 */
// The futures of writes and closes are of no interest: whatever comes of them, the connection ends.
@SuppressWarnings("FutureReturnValueIgnored")
public final class ConnectionGuard extends ChannelDuplexHandler {

    /** Part of a request to which the next bytes belong. */
    private enum Reading {
        HEAD,
        /** A body whose length is known. */
        FIXED,
        /** A body in chunks, or a head that the codec did not accept. */
        OPEN_ENDED,
        NOTHING
    }

    private final ConnectionLimits limits;
    private @Nullable ChannelHandlerContext context;

    private Reading reading = Reading.HEAD;
    private int last = -1;
    private boolean lineIsEmpty = true;
    private boolean inRequestLine = true;
    private int spaces;
    private long bodyLeft;
    /** Requests that were passed on and whose response has not ended. */
    private int unanswered;

    private boolean bodyComplete = true;
    private boolean closeAfterResponse;
    /** The server ends: the connection closes as soon as nothing is in flight. */
    private boolean ending;

    private boolean used;
    private boolean lingering;
    private int unreadBytes;
    private int pendingWrites;
    private @Nullable RawErrorResponse refusal;
    /** Bytes of a head have come, and its end has not. */
    private boolean headBegun;

    private @Nullable ScheduledFuture<?> readDeadline;
    private @Nullable ScheduledFuture<?> writeDeadline;
    /** One timer for many requests: it looks at the time of the last response when it fires. */
    private @Nullable ScheduledFuture<?> idleTimer;

    private long idleSince;

    private ConnectionGuard(ConnectionLimits limits) {
        this.limits = limits;
    }

    /** Adds both halves to the pipeline of a new connection, or closes a connection that is too many. */
    public static void on(ChannelPipeline pipeline, ConnectionLimits limits, ConnectionCounter counter) {
        if (!counter.admit(pipeline.channel())) {
            pipeline.channel().close();
            return;
        }
        ConnectionGuard outer = new ConnectionGuard(limits);
        pipeline.addBefore(NettyPipeline.HttpCodec, "exchange.connectionGuard", outer);
        pipeline.addAfter(NettyPipeline.HttpCodec, "exchange.requestGuard", outer.new Inner());
    }

    @Override
    public void handlerAdded(ChannelHandlerContext ctx) {
        context = ctx;
        expect(ctx, limits.head(), RawErrorResponse.HEAD_TOO_SLOW);
    }

    @Override
    public void handlerRemoved(ChannelHandlerContext ctx) {
        cancel(readDeadline);
        cancel(writeDeadline);
        cancel(idleTimer);
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
        ByteBuf bytes = (ByteBuf) message;
        try {
            while (bytes.isReadable() && !lingering) {
                pass(ctx, bytes);
            }
            if (lingering) {
                discard(ctx, bytes);
            } else if (readDeadline == null) {
                expectRest(ctx);
            }
        } finally {
            bytes.release();
        }
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
        if (!(event instanceof ConnectionCounter.Ending which)) {
            ctx.fireUserEventTriggered(event);
        } else if (used || which == ConnectionCounter.Ending.ALL) {
            ending = true;
            if (isIdle()) {
                ctx.close();
            }
        }
    }

    private boolean isIdle() {
        return reading == Reading.HEAD && last < 0 && unanswered == 0;
    }

    /** Gives a request that did not come in one read a deadline. Most requests come whole and need no timer. */
    private void expectRest(ChannelHandlerContext ctx) {
        if (reading == Reading.HEAD && headBegun) {
            expect(ctx, limits.head(), RawErrorResponse.HEAD_TOO_SLOW);
        } else if (!bodyComplete && unanswered > 0) {
            expect(ctx, limits.body(), RawErrorResponse.BODY_TOO_SLOW);
        }
    }

    private void pass(ChannelHandlerContext ctx, ByteBuf bytes) {
        switch (reading) {
            case HEAD -> {
                int end = endOfHead(bytes);
                if (end == ILLEGAL) {
                    refuse(ctx, RawErrorResponse.MALFORMED);
                    return;
                }
                headBegun = end < 0;
                if (end >= 0) {
                    // The codec is about to show the request to the inner half, which sets what comes next.
                    reading = Reading.OPEN_ENDED;
                    last = -1;
                    lineIsEmpty = true;
                    inRequestLine = true;
                    spaces = 0;
                }
                ctx.fireChannelRead(
                        bytes.readRetainedSlice(end >= 0 ? end - bytes.readerIndex() : bytes.readableBytes()));
            }
            case FIXED -> {
                int length = (int) Math.min(bodyLeft, bytes.readableBytes());
                countUnread(ctx, length);
                bodyLeft -= length;
                if (bodyLeft == 0) {
                    reading = Reading.HEAD;
                }
                ctx.fireChannelRead(bytes.readRetainedSlice(length));
            }
            case OPEN_ENDED -> {
                countUnread(ctx, bytes.readableBytes());
                ctx.fireChannelRead(bytes.readRetainedSlice(bytes.readableBytes()));
            }
            case NOTHING -> bytes.skipBytes(bytes.readableBytes());
        }
    }

    private static final int NOT_YET = -1;
    private static final int ILLEGAL = -2;

    /**
     * Finds the end of the head, and what the codec would make something of: a head that does not begin with a letter,
     * where the codec skips control bytes, a request line in another form, and a header line that continues on the next,
     * which the codec joins.
     */
    private int endOfHead(ByteBuf bytes) {
        for (int i = bytes.readerIndex(); i < bytes.writerIndex(); i++) {
            byte next = bytes.getByte(i);
            if (last < 0) {
                boolean letter = (next >= 'A' && next <= 'Z') || (next >= 'a' && next <= 'z');
                if (!letter && next != '\r' && next != '\n') {
                    return ILLEGAL;
                }
                // An empty line before a request is allowed, and is no end of a head.
                if (!letter) {
                    continue;
                }
            } else if (inRequestLine ? !isOfRequestLine(next) : last == '\n' && (next == ' ' || next == '\t')) {
                return ILLEGAL;
            }
            last = next;
            if (next == '\n') {
                inRequestLine = false;
                if (lineIsEmpty) {
                    return i + 1;
                }
                lineIsEmpty = true;
            } else if (next != '\r') {
                lineIsEmpty = false;
            }
        }
        return NOT_YET;
    }

    /**
     * Returns true if a byte may stand here in {@code method SP target SP HTTP/1.1}. The codec takes any white space for
     * a space, several spaces for a single one, and a version in lower case.
     */
    private boolean isOfRequestLine(byte next) {
        if (next == ' ') {
            spaces++;
            return spaces <= 2;
        }
        boolean inVersion = spaces == 2;
        return next == '\r' || next == '\n' || (next > ' ' && next < 0x7F && !(inVersion && next >= 'a'));
    }

    /** Called by the inner half while the outer half passes the end of a head on. */
    private void onRequest(HttpRequest request) {
        if (HttpUtil.isTransferEncodingChunked(request)) {
            reading = Reading.OPEN_ENDED;
            bodyComplete = false;
            // Bytes behind the last chunk have passed the codec before this class knows that the body has ended.
            closeAfterResponse = true;
        } else {
            bodyLeft = HttpUtil.getContentLength(request, 0L);
            reading = bodyLeft == 0 ? Reading.HEAD : Reading.FIXED;
            bodyComplete = bodyLeft == 0;
        }
        unreadBytes = 0;
        unanswered++;
        used = true;
    }

    private void onBodyComplete() {
        bodyComplete = true;
        if (reading == Reading.OPEN_ENDED) {
            reading = Reading.NOTHING;
        }
        cancel(readDeadline);
        readDeadline = null;
        noteIdle();
    }

    /** Counts what no handler reads any more. */
    private void countUnread(ChannelHandlerContext ctx, int length) {
        if (unanswered > 0) {
            return;
        }
        unreadBytes += length;
        if (unreadBytes > ConnectionLimits.UNREAD_BYTES) {
            ctx.close();
        }
    }

    @Override
    public void write(ChannelHandlerContext ctx, Object message, ChannelPromise promise) {
        pendingWrites++;
        ctx.write(message, promise.unvoid().addListener((Future<? super Void> written) -> {
            pendingWrites--;
            if (pendingWrites == 0) {
                cancel(writeDeadline);
                writeDeadline = null;
            }
        }));
    }

    /** Gives a response that the socket does not take at once a deadline. */
    @Override
    public void flush(ChannelHandlerContext ctx) {
        ctx.flush();
        if (pendingWrites > 0 && writeDeadline == null) {
            writeDeadline = ctx.executor()
                    .schedule(
                            () -> {
                                abort(ctx);
                            },
                            limits.response().toMillis(),
                            TimeUnit.MILLISECONDS);
        }
    }

    /** The client takes no bytes. Closing drops what waits for it. */
    private static void abort(ChannelHandlerContext ctx) {
        ctx.close();
    }

    private void onResponseEnd(ChannelHandlerContext ctx) {
        unanswered--;
        if (unanswered == 0 && refusal != null) {
            writeRefusal(ctx, refusal);
        } else if (!bodyComplete) {
            readDeadline = replace(
                    readDeadline,
                    ctx.executor()
                            .schedule(
                                    () -> {
                                        ctx.close();
                                    },
                                    ConnectionLimits.UNREAD_TIME.toMillis(),
                                    TimeUnit.MILLISECONDS));
        } else {
            noteIdle();
        }
    }

    /** Starts the time of an idle connection when the response and the body of its last request have ended. */
    private void noteIdle() {
        if (unanswered == 0 && bodyComplete) {
            idleSince = System.nanoTime();
            if (idleTimer == null) {
                startIdleTimer(outer(), limits.keepAlive().toNanos());
            }
        }
    }

    private ChannelHandlerContext outer() {
        return Objects.requireNonNull(context);
    }

    private void startIdleTimer(ChannelHandlerContext ctx, long nanos) {
        idleTimer = ctx.executor()
                .schedule(
                        () -> {
                            onIdleTimer(ctx);
                        },
                        nanos,
                        TimeUnit.NANOSECONDS);
    }

    private void onIdleTimer(ChannelHandlerContext ctx) {
        idleTimer = null;
        if (isIdle()) {
            long keepAlive = limits.keepAlive().toNanos();
            long left = pendingWrites > 0 ? keepAlive : keepAlive - (System.nanoTime() - idleSince);
            if (left > 0) {
                startIdleTimer(ctx, left);
            } else {
                ctx.close();
            }
        }
    }

    /** Closes the own direction and reads a bounded rest, if a rest is to come. */
    @Override
    public void close(ChannelHandlerContext ctx, ChannelPromise promise) {
        if (lingering || bodyComplete || !ctx.channel().isActive()) {
            ctx.close(promise);
            return;
        }
        linger(ctx);
        ctx.channel().closeFuture().addListener(closed -> promise.trySuccess());
    }

    private void linger(ChannelHandlerContext ctx) {
        lingering = true;
        cancel(readDeadline);
        readDeadline = ctx.executor()
                .schedule(
                        () -> {
                            ctx.close();
                        },
                        ConnectionLimits.UNREAD_TIME.toMillis(),
                        TimeUnit.MILLISECONDS);
        if (ctx.channel() instanceof DuplexChannel duplex && ctx.pipeline().get(SslHandler.class) == null) {
            duplex.shutdownOutput();
        }
        ctx.channel().config().setAutoRead(true);
        ctx.read();
    }

    private void discard(ChannelHandlerContext ctx, ByteBuf bytes) {
        unreadBytes += bytes.readableBytes();
        bytes.skipBytes(bytes.readableBytes());
        if (unreadBytes > ConnectionLimits.UNREAD_BYTES) {
            ctx.close();
        }
    }

    private void expect(ChannelHandlerContext ctx, Duration time, RawErrorResponse late) {
        readDeadline = replace(
                readDeadline,
                ctx.executor()
                        .schedule(
                                () -> {
                                    if (isIdle()) {
                                        // Nothing was asked: a browser opens connections ahead of a request that may
                                        // never come.
                                        ctx.close();
                                    } else {
                                        refuse(ctx, late);
                                    }
                                },
                                time.toMillis(),
                                TimeUnit.MILLISECONDS));
    }

    /** Refuses what came. Earlier requests of the connection get their responses first. */
    private void refuse(ChannelHandlerContext ctx, RawErrorResponse error) {
        reading = Reading.NOTHING;
        if (error.equals(RawErrorResponse.BODY_TOO_SLOW) && unanswered == 1) {
            // It is the unanswered request itself.
            writeRefusal(ctx, error);
        } else if (unanswered > 0) {
            refusal = error;
        } else {
            writeRefusal(ctx, error);
        }
    }

    private void writeRefusal(ChannelHandlerContext ctx, RawErrorResponse error) {
        if (lingering || !ctx.channel().isActive()) {
            return;
        }
        refusal = null;
        unreadBytes = 0;
        ctx.writeAndFlush(error.encode(ctx.alloc())).addListener(written -> linger(ctx));
        // Whatever the codec still holds is not for a handler.
        reading = Reading.NOTHING;
    }

    private static ScheduledFuture<?> replace(@Nullable ScheduledFuture<?> old, ScheduledFuture<?> fresh) {
        cancel(old);
        return fresh;
    }

    private static void cancel(@Nullable ScheduledFuture<?> deadline) {
        if (deadline != null) {
            deadline.cancel(false);
        }
    }

    /** The half behind the codec. */
    private final class Inner extends ChannelDuplexHandler {

        private boolean refused;

        @Override
        public void channelRead(ChannelHandlerContext ctx, Object message) {
            if (refused || lingering) {
                ReferenceCountUtil.release(message);
                return;
            }
            if (message instanceof HttpRequest && closeAfterResponse) {
                // It came in one read with the end of a body in chunks, whose response says that it is the last.
                refused = true;
                ReferenceCountUtil.release(message);
                return;
            }
            if (message instanceof HttpRequest request) {
                RawErrorResponse error = check(request);
                if (error != null) {
                    refused = true;
                    bodyComplete = false;
                    cancel(readDeadline);
                    ReferenceCountUtil.release(message);
                    refuse(outer(), error);
                    return;
                }
                onRequest(request);
                if (!bodyComplete) {
                    cancel(readDeadline);
                    readDeadline = null;
                }
            }
            if (message instanceof HttpContent content
                    && content.decoderResult().isFailure()) {
                refused = true;
                ReferenceCountUtil.release(message);
                if (unanswered > 0) {
                    unanswered--;
                    refuse(outer(), RawErrorResponse.MALFORMED);
                    ctx.fireExceptionCaught(new MalformedChunkException());
                } else {
                    // The handler has responded without the body.
                    ctx.close();
                }
                return;
            }
            if (message instanceof LastHttpContent) {
                onBodyComplete();
                if (closeAfterResponse && unanswered == 0) {
                    ctx.close();
                }
            }
            ctx.fireChannelRead(message);
        }

        @Override
        public void write(ChannelHandlerContext ctx, Object message, ChannelPromise promise) {
            if (message instanceof HttpResponse response) {
                if (response.status().codeClass() == HttpStatusClass.INFORMATIONAL) {
                    ctx.write(message, promise);
                    return;
                }
                if (closeAfterResponse || ending) {
                    HttpUtil.setKeepAlive(response, false);
                }
            }
            if (message instanceof LastHttpContent) {
                ctx.write(message, promise.unvoid().addListener((Future<? super Void> written) -> {
                    // Reactor Netty has not seen the header that was set here, and would keep the connection.
                    if ((closeAfterResponse || ending) && bodyComplete && unanswered == 0) {
                        ctx.close();
                    }
                }));
                onResponseEnd(outer());
            } else {
                ctx.write(message, promise);
            }
        }

        private @Nullable RawErrorResponse check(HttpRequest request) {
            if (request.decoderResult().isFailure()) {
                Throwable cause = request.decoderResult().cause();
                return cause instanceof TooLongHttpLineException
                        ? RawErrorResponse.LINE_TOO_LONG
                        : cause instanceof TooLongHttpHeaderException || cause instanceof TooLongFrameException
                                ? RawErrorResponse.HEAD_TOO_LONG
                                : RawErrorResponse.MALFORMED;
            }
            if (unanswered >= ConnectionLimits.UNANSWERED) {
                return RawErrorResponse.TOO_MANY;
            }
            HttpVersion version = request.protocolVersion();
            if (!version.equals(HttpVersion.HTTP_1_1) && !version.equals(HttpVersion.HTTP_1_0)) {
                return RawErrorResponse.VERSION;
            }
            HttpHeaders headers = request.headers();
            List<String> hosts = headers.getAll(HttpHeaderNames.HOST);
            if (hosts.size() > 1
                    || (hosts.isEmpty() && version.equals(HttpVersion.HTTP_1_1))
                    || (!hosts.isEmpty() && !isHost(hosts.get(0)))) {
                return RawErrorResponse.HOST;
            }
            // The codec has refused encodings in HTTP/1.0, beside a length, and those that do not end in chunked.
            List<String> encodings = headers.getAll(HttpHeaderNames.TRANSFER_ENCODING);
            if (!encodings.isEmpty()
                    && (encodings.size() > 1 || !encodings.get(0).equalsIgnoreCase("chunked"))) {
                return RawErrorResponse.TRANSFER_ENCODING;
            }
            List<String> expectations = headers.getAll(HttpHeaderNames.EXPECT);
            if (!expectations.isEmpty()
                    && (expectations.size() > 1
                            || !HttpHeaderValues.CONTINUE.contentEqualsIgnoreCase(expectations.get(0)))) {
                return RawErrorResponse.EXPECTATION;
            }
            return HttpUtil.getContentLength(request, 0L) > limits.longestBody()
                    ? RawErrorResponse.BODY_TOO_LONG
                    : null;
        }
    }

    /**
     * Returns true if a text holds only characters of a name or an address with its port.
     *
     * @see <a href="https://www.rfc-editor.org/rfc/rfc9112#section-3.2">RFC 9112 section 3.2</a>
     */
    private static boolean isHost(String text) {
        for (int i = 0; i < text.length(); i++) {
            char next = text.charAt(i);
            if (next <= ' ' || next >= 0x7F || "\"#/<>?@\\^`{|}".indexOf(next) >= 0) {
                return false;
            }
        }
        return true;
    }

    /**
     * Ends the handler that reads a body whose chunks are malformed. Without a stack trace, because any client can cause it.
     */
    private static final class MalformedChunkException extends java.io.IOException {

        private static final long serialVersionUID = 1L;

        MalformedChunkException() {
            super("A chunk of the body is malformed");
        }

        @Override
        public synchronized Throwable fillInStackTrace() {
            return this;
        }
    }
}
