package io.tokenswap.http;

import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.stream.Collectors;

/** How the fields of a request are written down. */
enum Encoding {
    /** What RFC 6749 asks for. */
    FORM("application/x-www-form-urlencoded") {
        @Override
        byte[] encode(Map<String, String> fields) {
            return fields.entrySet().stream()
                    .map(field -> escape(field.getKey()) + "=" + escape(field.getValue()))
                    .collect(Collectors.joining("&"))
                    .getBytes(StandardCharsets.US_ASCII);
        }
    },

    /** What the documented dialect asks for. */
    JSON("application/json") {
        @Override
        byte[] encode(Map<String, String> fields) {
            return Json.writeObject(fields);
        }
    };

    private final String contentType;

    Encoding(String contentType) {
        this.contentType = contentType;
    }

    String contentType() {
        return contentType;
    }

    abstract byte[] encode(Map<String, String> fields);

    static String escape(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }
}
