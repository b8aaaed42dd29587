package io.tokenswap.http;

import io.tokenswap.internal.Json;
import io.tokenswap.internal.UrlEncoded;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/** Encoding of the fields of a request. */
enum Encoding {
    /** The encoding of RFC 6749. */
    FORM("application/x-www-form-urlencoded") {
        @Override
        byte[] encode(Map<String, String> fields) {
            return UrlEncoded.formatForm(fields).getBytes(StandardCharsets.US_ASCII);
        }
    },

    /** The encoding of {@link Dialect#JSON}. */
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
}
