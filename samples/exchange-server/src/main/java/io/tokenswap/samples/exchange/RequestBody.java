package io.tokenswap.samples.exchange;

import io.netty.handler.codec.http.HttpHeaders;
import java.io.ByteArrayOutputStream;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import reactor.core.publisher.Mono;
import reactor.netty.http.server.HttpServerRequest;

/**
 * Reader of the parameters of a request, from a body of JSON or of a form. It reads no more than a small bound.
 * {@code ConnectionGuard} bounds the time.
 */
final class RequestBody {

    static final int LONGEST = 16 * 1024;
    private static final Map<String, String> ACCEPT_ENCODING = Map.of("Accept-Encoding", "identity");
    private static final Map<String, String> CLOSE = Map.of("Connection", "close");

    private final ByteArrayOutputStream kept = new ByteArrayOutputStream();

    private RequestBody() {}

    static Mono<Map<String, String>> parameters(HttpServerRequest request) {
        HttpHeaders headers = request.requestHeaders();
        if (headers.getAll("Content-Type").size() > 1) {
            throw ErrorResponse.invalidRequest("A request has one Content-Type");
        }
        if (!headers.get("Content-Encoding", "identity").equalsIgnoreCase("identity")) {
            throw new ErrorResponse(415, "invalid_request", "The body must not be compressed", ACCEPT_ENCODING);
        }
        Function<byte[], Map<String, String>> parser = parser(headers.get("Content-Type", ""));
        return request.receive()
                .asByteArray()
                .collect(RequestBody::new, RequestBody::append)
                .map(body -> parser.apply(body.bytes()));
    }

    private static Function<byte[], Map<String, String>> parser(String contentType) {
        String[] parts = contentType.toLowerCase(Locale.ROOT).split(";", -1);
        for (int i = 1; i < parts.length; i++) {
            String parameter = parts[i].strip().replace("\"", "");
            if (parameter.startsWith("charset=") && !parameter.equals("charset=utf-8")) {
                throw ErrorResponse.invalidRequest("The body must be in UTF-8");
            }
        }
        return switch (parts[0].strip()) {
            case "application/json" -> Parameters::ofJson;
            case "application/x-www-form-urlencoded" -> Parameters::ofForm;
            default ->
                throw new ErrorResponse(
                        415,
                        "invalid_request",
                        "The body must be application/json or application/x-www-form-urlencoded");
        };
    }

    private void append(byte[] more) {
        if (kept.size() + more.length > LONGEST) {
            throw tooLong();
        }
        kept.writeBytes(more);
    }

    private byte[] bytes() {
        return kept.toByteArray();
    }

    private static ErrorResponse tooLong() {
        return new ErrorResponse(413, "invalid_request", "The body is longer than 16 KiB", CLOSE);
    }
}
