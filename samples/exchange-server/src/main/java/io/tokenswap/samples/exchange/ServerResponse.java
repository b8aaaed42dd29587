package io.tokenswap.samples.exchange;

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

    private static final Map<String, String> ALWAYS = Map.of(
            "Cache-Control", "no-store",
            "Pragma", "no-cache",
            "Referrer-Policy", "no-referrer",
            "X-Content-Type-Options", "nosniff");

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
        ALWAYS.forEach(response::header);
        headers.forEach(response::header);
        cookies.forEach(cookie -> response.addHeader("Set-Cookie", cookie));
        response.status(status);
        if (status != 204) {
            response.header("Content-Length", String.valueOf(body.length));
        }
        return headOnly || body.length == 0
                ? response.send()
                : response.sendByteArray(Mono.just(body)).then();
    }
}
