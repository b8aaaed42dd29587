package io.tokenswap.samples.exchange;

import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http.DefaultHttpHeaders;
import io.netty.handler.codec.http.HttpHeaders;
import io.tokenswap.internal.Json;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import reactor.core.publisher.Mono;
import reactor.netty.http.server.HttpServerResponse;

/** Response of a handler. Each response forbids caching, referrers, framing and sniffing. */
@SuppressWarnings("ArrayRecordComponent") // written once and never compared
record ServerResponse(int status, Map<String, String> headers, List<String> cookies, byte[] body) {

    /** Validated once: adding them copies them. */
    private static final HttpHeaders ALWAYS = new DefaultHttpHeaders()
            .add("Cache-Control", "no-store")
            .add("Pragma", "no-cache")
            .add("Referrer-Policy", "no-referrer")
            .add("X-Content-Type-Options", "nosniff");

    ServerResponse(int status, Map<String, String> headers, byte[] body) {
        this(status, headers, List.of(), body);
    }

    static ServerResponse redirect(int status, String location) {
        return new ServerResponse(status, Map.of("Location", location), new byte[0]);
    }

    static ServerResponse empty(int status) {
        return new ServerResponse(status, Map.of(), new byte[0]);
    }

    static ServerResponse json(int status, Map<String, Object> properties) {
        return new ServerResponse(
                status,
                Map.of("Content-Type", "application/json", "Content-Security-Policy", "default-src 'none'"),
                Json.writeObject(properties));
    }

    /**
     * An error in the words of OAuth.
     *
     * @see <a href="https://www.rfc-editor.org/rfc/rfc6749#section-5.2">RFC 6749 section 5.2</a>
     */
    static ServerResponse json(ErrorResponse error) {
        Map<String, Object> properties = new LinkedHashMap<>();
        properties.put("error", error.error);
        properties.put("error_description", error.description());
        if (error.processed != null) {
            properties.put("processed", error.processed.toString());
        }
        return json(error.status, properties).with(error.headers);
    }

    ServerResponse with(String name, String value) {
        return with(Map.of(name, value));
    }

    ServerResponse with(Map<String, String> more) {
        Map<String, String> all = new LinkedHashMap<>(headers);
        all.putAll(more);
        return new ServerResponse(status, all, cookies, body);
    }

    /** Sets further cookies. */
    ServerResponse withCookies(List<String> more) {
        return new ServerResponse(
                status, headers, Stream.concat(cookies.stream(), more.stream()).toList(), body);
    }

    /** @param headOnly true for a HEAD request, whose response has the headers of the body but no body */
    Mono<Void> writeTo(HttpServerResponse response, boolean headOnly) {
        HttpHeaders all = response.responseHeaders();
        all.add(ALWAYS);
        headers.forEach(all::set);
        cookies.forEach(cookie -> all.add("Set-Cookie", cookie));
        response.status(status);
        if (status != 204) {
            all.setInt("Content-Length", body.length);
        }
        return headOnly || body.length == 0
                ? response.send()
                : response.sendObject(Unpooled.wrappedBuffer(body)).then();
    }
}
