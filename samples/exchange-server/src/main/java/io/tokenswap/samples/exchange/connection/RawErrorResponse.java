package io.tokenswap.samples.exchange.connection;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.ByteBufUtil;
import io.netty.handler.codec.http.HttpResponseStatus;

/** Response to bytes that are not a request for a handler. It closes its connection. */
record RawErrorResponse(HttpResponseStatus status, String description) {

    static final RawErrorResponse MALFORMED = of(400, "The request is malformed");
    static final RawErrorResponse LINE_TOO_LONG = of(414, "The request line is too long");
    static final RawErrorResponse HEAD_TOO_LONG = of(431, "The head of the request is too long");
    static final RawErrorResponse HOST = of(400, "A request has exactly one Host, a name or an address");
    static final RawErrorResponse TRANSFER_ENCODING = of(400, "The only transfer encoding is chunked");
    static final RawErrorResponse EXPECTATION = of(417, "The only expectation is 100-continue");
    static final RawErrorResponse VERSION = of(505, "This server speaks HTTP/1.1 and HTTP/1.0");
    static final RawErrorResponse BODY_TOO_LONG = of(413, "The body is longer than 16 KiB");
    static final RawErrorResponse TOO_MANY = of(429, "Too many requests wait on this connection for their responses");
    static final RawErrorResponse HEAD_TOO_SLOW = of(408, "The head of the request did not arrive in time");
    static final RawErrorResponse BODY_TOO_SLOW = of(408, "The body did not arrive in time");

    private static RawErrorResponse of(int status, String description) {
        return new RawErrorResponse(HttpResponseStatus.valueOf(status), description);
    }

    ByteBuf encode(ByteBufAllocator allocator) {
        String body = "{\"error\":\"invalid_request\",\"error_description\":\"" + description + "\"}";
        return ByteBufUtil.writeAscii(
                allocator,
                "HTTP/1.1 " + status + "\r\nContent-Type: application/json\r\nContent-Length: " + body.length()
                        + "\r\nCache-Control: no-store\r\nPragma: no-cache\r\nX-Content-Type-Options: nosniff\r\n"
                        + "Referrer-Policy: no-referrer\r\nContent-Security-Policy: default-src 'none'\r\nConnection: close\r\n\r\n"
                        + body);
    }
}
