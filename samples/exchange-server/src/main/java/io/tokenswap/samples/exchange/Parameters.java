package io.tokenswap.samples.exchange;

import io.tokenswap.internal.Json;
import io.tokenswap.internal.UrlEncoded;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Reads the parameters of a query, a form or a JSON object by the strict readers of the client. A malformed text and a
 * repeated name are refused.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc6749#section-3.1">RFC 6749 section 3.1</a>
 */
final class Parameters {

    private Parameters() {}

    static Map<String, String> ofQuery(String query) {
        Map<String, String> parameters = UrlEncoded.parseUnique(query);
        if (parameters == null) {
            throw ErrorResponse.invalidRequest("The parameters are malformed or one is repeated");
        }
        return parameters;
    }

    static Map<String, String> ofForm(byte[] body) {
        // A form is ASCII. The reader refuses all other characters, and so every byte that is not ASCII.
        return ofQuery(new String(body, StandardCharsets.ISO_8859_1));
    }

    /** Reads the members of an object. A null stands for a member that is left out, and all others are text. */
    static Map<String, String> ofJson(byte[] body) {
        Map<String, @Nullable Object> members = Json.readObject(body);
        if (members == null) {
            throw malformedJson();
        }
        Map<String, String> parameters = new LinkedHashMap<>();
        members.forEach((name, value) -> {
            if (value instanceof String text) {
                parameters.put(name, text);
            } else if (value != null) {
                throw malformedJson();
            }
        });
        return parameters;
    }

    private static ErrorResponse malformedJson() {
        return ErrorResponse.invalidRequest("The body is not one JSON object with text values");
    }
}
