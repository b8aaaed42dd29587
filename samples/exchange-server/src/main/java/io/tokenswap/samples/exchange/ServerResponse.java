package io.tokenswap.samples.exchange;

import io.tokenswap.internal.Json;
import java.util.LinkedHashMap;
import java.util.Map;
import reactor.core.publisher.Mono;
import reactor.netty.http.server.HttpServerResponse;

/** The response that a handler decides on. No response of this server may be stored, named as a referrer, framed or sniffed. */
@SuppressWarnings("ArrayRecordComponent") // written once, and compared by nobody
record ServerResponse(int status, Map<String, String> headers, byte[] body) {

    private static final Map<String, String> ALWAYS = Map.of(
            "Cache-Control", "no-store",
            "Pragma", "no-cache",
            "Referrer-Policy", "no-referrer",
            "X-Content-Type-Options", "nosniff");

    static ServerResponse redirect(int status, String location) {
        return new ServerResponse(status, Map.of("Location", location), new byte[0]);
    }

    static ServerResponse json(int status, Map<String, Object> properties) {
        return new ServerResponse(status, Map.of("Content-Type", "application/json"), Json.writeObject(properties));
    }

    /**
     * An error in the words of OAuth.
     *
     * @see <a href="https://www.rfc-editor.org/rfc/rfc6749#section-5.2">RFC 6749 section 5.2</a>
     */
    static ServerResponse json(ErrorResponse refusal) {
        Map<String, Object> properties = new LinkedHashMap<>();
        properties.put("error", refusal.error);
        properties.put("error_description", refusal.description());
        if (refusal.processed != null) {
            properties.put("processed", refusal.processed.toString());
        }
        return json(refusal.status, properties).with(refusal.headers);
    }

    ServerResponse with(String name, String value) {
        return with(Map.of(name, value));
    }

    private ServerResponse with(Map<String, String> more) {
        Map<String, String> all = new LinkedHashMap<>(headers);
        all.putAll(more);
        return new ServerResponse(status, all, body);
    }

    Mono<Void> writeTo(HttpServerResponse response) {
        ALWAYS.forEach(response::header);
        headers.forEach(response::header);
        response.status(status).header("Content-Length", String.valueOf(body.length));
        return response.sendByteArray(Mono.just(body)).then();
    }
}
