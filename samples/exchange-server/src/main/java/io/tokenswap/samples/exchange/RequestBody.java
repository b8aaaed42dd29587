package io.tokenswap.samples.exchange;

import java.io.ByteArrayOutputStream;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import reactor.core.publisher.Mono;
import reactor.netty.http.server.HttpServerRequest;

/** The parameters of a request, out of a body of JSON or of a form: never more of it than a small bound, nor for ever. */
final class RequestBody {

    private static final int LONGEST = 16 * 1024;
    /** How much of a longer one is read and thrown away: who is cut off while sending often misses the answer. */
    private static final int DRAINED = 1024 * 1024;

    private static final Duration SLOWEST = Duration.ofSeconds(10);
    private static final Map<String, String> CLOSE = Map.of("Connection", "close");

    private final ByteArrayOutputStream kept = new ByteArrayOutputStream();
    private long length;

    private RequestBody() {}

    static Mono<Map<String, String>> parameters(HttpServerRequest request) {
        Function<byte[], Map<String, String>> parser =
                parser(request.requestHeaders().get("Content-Type", ""));
        return request.receive()
                .asByteArray()
                .collect(RequestBody::new, RequestBody::append)
                .timeout(
                        SLOWEST,
                        Mono.error(() ->
                                new ErrorResponse(408, "invalid_request", "The body did not arrive in time", CLOSE)))
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
        length += more.length;
        if (length <= LONGEST) {
            kept.writeBytes(more);
        } else if (length > DRAINED) {
            throw tooLong();
        }
    }

    private byte[] bytes() {
        if (length > LONGEST) {
            throw tooLong();
        }
        return kept.toByteArray();
    }

    private static ErrorResponse tooLong() {
        return new ErrorResponse(413, "invalid_request", "The body is longer than 16 KiB", CLOSE);
    }
}
