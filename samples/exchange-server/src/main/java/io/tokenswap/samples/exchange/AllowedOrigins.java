package io.tokenswap.samples.exchange;

import java.net.URI;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import reactor.netty.http.server.HttpServerRequest;

/**
 * Origins of web pages whose scripts may call this server. None by default. The list is exact: there is no star, and
 * {@code null} is not an origin.
 */
record AllowedOrigins(Set<String> origins) {

    static final AllowedOrigins NONE = new AllowedOrigins(Set.of());

    static AllowedOrigins parse(String text) {
        return new AllowedOrigins(Arrays.stream(text.split("[,\\s]+"))
                .map(AllowedOrigins::origin)
                .collect(Collectors.toUnmodifiableSet()));
    }

    private static String origin(String text) {
        try {
            URI uri = Uris.parse(text);
            if (uri.getRawQuery() == null && uri.getRawPath().isEmpty()) {
                return text;
            }
        } catch (IllegalArgumentException noUrl) {
            // said below
        }
        throw new IllegalArgumentException(
                "is not a list of origins such as https://app.example, without a path and no *");
    }

    /** Returns the headers that let a script read the response; none for an origin that is not listed. */
    Map<String, String> headers(HttpServerRequest request) {
        if (origins.isEmpty()) {
            return Map.of();
        }
        Map<String, String> headers = new LinkedHashMap<>(Map.of("Vary", "Origin"));
        String origin = request.requestHeaders().get("Origin", "");
        if (origins.contains(origin)) {
            headers.put("Access-Control-Allow-Origin", origin);
            headers.put("Access-Control-Expose-Headers", "Retry-After, X-Request-Id");
        }
        return headers;
    }

    /** Returns true for a preflight of a listed origin: a browser asks if a script may send a request. */
    boolean isPreflight(HttpServerRequest request) {
        return origins.contains(request.requestHeaders().get("Origin", ""))
                && request.requestHeaders().contains("Access-Control-Request-Method");
    }

    ServerResponse preflight() {
        return ServerResponse.empty(204)
                .with("Access-Control-Allow-Methods", "POST")
                .with("Access-Control-Allow-Headers", "Content-Type")
                .with("Access-Control-Max-Age", "600");
    }
}
