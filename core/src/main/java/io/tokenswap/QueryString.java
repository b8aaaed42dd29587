package io.tokenswap;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The query of a URI, read strictly: decoded once, a malformed escape, broken UTF-8 or a control character makes the whole of
 * it invalid, and only {@code &} separates. A lenient reader would let two readers of the same URL see different states.
 */
final class QueryString {

    private QueryString() {}

    /**
     * The parameters by name.
     *
     * @return all values of each name in order, or null if the query is malformed
     */
    static @Nullable Map<String, List<String>> parse(String rawQuery) {
        Map<String, List<String>> parameters = new LinkedHashMap<>();
        for (String pair : rawQuery.split("&", -1)) {
            if (pair.isEmpty()) {
                continue;
            }
            int equals = pair.indexOf('=');
            String name = decode(equals < 0 ? pair : pair.substring(0, equals));
            String value = decode(equals < 0 ? "" : pair.substring(equals + 1));
            if (name == null || value == null) {
                return null;
            }
            parameters.computeIfAbsent(name, n -> new ArrayList<>(1)).add(value);
        }
        return parameters;
    }

    private static @Nullable String decode(String escaped) {
        if (isUnescaped(escaped)) {
            return escaped;
        }
        ByteBuffer bytes = ByteBuffer.allocate(escaped.length());
        for (int i = 0; i < escaped.length(); i++) {
            char c = escaped.charAt(i);
            if (c == '%') {
                int high = i + 2 < escaped.length() ? Character.digit(escaped.charAt(i + 1), 16) : -1;
                int low = i + 2 < escaped.length() ? Character.digit(escaped.charAt(i + 2), 16) : -1;
                if (high < 0 || low < 0) {
                    return null;
                }
                bytes.put((byte) (high << 4 | low));
                i += 2;
            } else if (c > 0x20 && c < 0x7F) {
                bytes.put((byte) (c == '+' ? ' ' : c));
            } else {
                return null;
            }
        }
        try {
            // The decoder of a charset, unlike new String, refuses overlong forms and lone surrogates.
            CharBuffer text = StandardCharsets.UTF_8.newDecoder().decode(bytes.flip());
            return text.chars().anyMatch(Character::isISOControl) ? null : text.toString();
        } catch (CharacterCodingException malformed) {
            return null;
        }
    }

    /** Most are, and everybody can have us read one. */
    private static boolean isUnescaped(String text) {
        for (int i = 0; i < text.length(); i++) {
            if (!isUnreserved(text.charAt(i))) {
                return false;
            }
        }
        return true;
    }

    /** A name or value as it stands in a query: everything but RFC 3986's unreserved characters escaped, a space as {@code %20}. */
    static String encode(String text) {
        StringBuilder escaped = new StringBuilder(text.length());
        for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
            char c = (char) (b & 0xFF);
            if (isUnreserved(c)) {
                escaped.append(c);
            } else {
                escaped.append('%')
                        .append(Character.toUpperCase(Character.forDigit(b >> 4 & 0xF, 16)))
                        .append(Character.toUpperCase(Character.forDigit(b & 0xF, 16)));
            }
        }
        return escaped.toString();
    }

    private static boolean isUnreserved(char c) {
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || "-._~".indexOf(c) >= 0;
    }
}
