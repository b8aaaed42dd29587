package io.tokenswap.samples.exchange;

import java.net.URLEncoder;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * Queries and forms, read strictly: decoded once, each name once, and what is malformed is refused rather than mended.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc6749#section-3.1">RFC 6749 section 3.1</a>
 */
final class UrlEncoded {

    private UrlEncoded() {}

    static Map<String, String> parse(String text) {
        Map<String, String> parameters = new LinkedHashMap<>();
        for (String pair : text.split("&", -1)) {
            if (pair.isEmpty()) {
                continue;
            }
            int equals = pair.indexOf('=');
            String name = decode(equals < 0 ? pair : pair.substring(0, equals));
            String value = decode(equals < 0 ? "" : pair.substring(equals + 1));
            if (parameters.put(name, value) != null) {
                throw ErrorResponse.invalidRequest("A parameter stands twice");
            }
        }
        return parameters;
    }

    static String format(Map<String, String> parameters) {
        return parameters.entrySet().stream()
                .map(parameter -> encode(parameter.getKey()) + "=" + encode(parameter.getValue()))
                .collect(Collectors.joining("&"));
    }

    private static String encode(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
    }

    private static String decode(String escaped) {
        ByteBuffer bytes = ByteBuffer.allocate(escaped.length());
        for (int i = 0; i < escaped.length(); i++) {
            char c = escaped.charAt(i);
            if (c == '%') {
                int high = i + 2 < escaped.length() ? Character.digit(escaped.charAt(i + 1), 16) : -1;
                int low = i + 2 < escaped.length() ? Character.digit(escaped.charAt(i + 2), 16) : -1;
                if (high < 0 || low < 0) {
                    throw malformed();
                }
                bytes.put((byte) (high << 4 | low));
                i += 2;
            } else if (c > 0x20 && c < 0x7F) {
                bytes.put((byte) (c == '+' ? ' ' : c));
            } else {
                throw malformed();
            }
        }
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(bytes.flip()).toString();
        } catch (CharacterCodingException notUtf8) {
            throw malformed();
        }
    }

    private static ErrorResponse malformed() {
        return ErrorResponse.invalidRequest("The parameters are not well-formed");
    }
}
