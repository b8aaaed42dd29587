package io.tokenswap.samples.exchange;

import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import reactor.core.publisher.Mono;
import reactor.netty.http.server.HttpServerResponse;

/** What a handler decides on. No answer of this server may be stored, named as a referrer, framed or sniffed. */
record ServerResponse(int status, Map<String, String> headers, String body) {

    private static final Map<String, String> ALWAYS = Map.of(
            "Cache-Control", "no-store",
            "Pragma", "no-cache",
            "Referrer-Policy", "no-referrer",
            "X-Content-Type-Options", "nosniff");

    static ServerResponse redirect(int status, String location) {
        return new ServerResponse(status, Map.of("Location", location), "");
    }

    static ServerResponse json(int status, Map<String, Object> properties) {
        return new ServerResponse(status, Map.of("Content-Type", "application/json"), Json.format(properties));
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
            properties.put("processed", refusal.processed);
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
        byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
        ALWAYS.forEach(response::header);
        headers.forEach(response::header);
        response.status(status).header("Content-Length", String.valueOf(bytes.length));
        return response.sendByteArray(Mono.just(bytes)).then();
    }
}
