package io.tokenswap.internal;

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
 * Reads and writes queries and forms ({@code application/x-www-form-urlencoded}).
 *
 * <p>The reader decodes once, and refuses the whole text if one part of it is malformed: a broken escape, UTF-8 that is
 * broken or longer than necessary, a half surrogate pair, a control character, or a raw character outside printable
 * ASCII. Only {@code &} separates parameters; a semicolon is part of a value. A name without {@code =} has the empty
 * value.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc6749#appendix-B">RFC 6749 appendix B</a>
 */
public final class UrlEncoded {

    /** Characters of most forms. */
    private static final int FORM_LENGTH = 128;

    private static final char[] HEX = "0123456789ABCDEF".toCharArray();

    private UrlEncoded() {}

    /**
     * Reads the parameters of a query or form.
     *
     * @param text the raw text, without a leading question mark
     * @return the values of each name in order, or null if the text is malformed
     */
    public static @Nullable Map<String, List<String>> parse(String text) {
        Map<String, List<String>> parameters = new LinkedHashMap<>();
        for (int start = 0; start <= text.length(); ) {
            int ampersand = text.indexOf('&', start);
            int end = ampersand < 0 ? text.length() : ampersand;
            if (end > start) {
                int equals = text.indexOf('=', start);
                boolean named = equals >= 0 && equals < end;
                String name = decode(text, start, named ? equals : end);
                String value = named ? decode(text, equals + 1, end) : "";
                if (name == null || value == null) {
                    return null;
                }
                parameters.computeIfAbsent(name, n -> new ArrayList<>(1)).add(value);
            }
            start = end + 1;
        }
        return parameters;
    }

    /**
     * Reads the parameters of a query or form that must not repeat a name.
     *
     * @param text the raw text, without a leading question mark
     * @return the value of each name in order, or null if the text is malformed or repeats a name
     * @see <a href="https://www.rfc-editor.org/rfc/rfc6749#section-3.1">RFC 6749 section 3.1</a>
     */
    public static @Nullable Map<String, String> parseUnique(String text) {
        Map<String, List<String>> all = parse(text);
        if (all == null) {
            return null;
        }
        Map<String, String> unique = new LinkedHashMap<>();
        for (Map.Entry<String, List<String>> parameter : all.entrySet()) {
            if (parameter.getValue().size() > 1) {
                return null;
            }
            unique.put(parameter.getKey(), parameter.getValue().get(0));
        }
        return unique;
    }

    /**
     * Writes parameters as a query, with a space as {@code %20}.
     *
     * @param parameters the names and values, written in the order of the map
     * @return the text in ASCII, without a leading question mark
     */
    public static String formatQuery(Map<String, String> parameters) {
        return format(parameters, "%20");
    }

    /**
     * Writes parameters as a form, with a space as {@code +}.
     *
     * @param parameters the names and values, written in the order of the map
     * @return the text in ASCII
     * @see <a href="https://www.rfc-editor.org/rfc/rfc6749#appendix-B">RFC 6749 appendix B</a>
     */
    public static String formatForm(Map<String, String> parameters) {
        return format(parameters, "+");
    }

    /**
     * Encodes one name or value of a query. Escapes everything but the unreserved characters of RFC 3986.
     *
     * @param text the name or value
     * @return the encoded text in ASCII, with a space as {@code %20}
     * @see <a href="https://www.rfc-editor.org/rfc/rfc3986#section-2.3">RFC 3986 section 2.3</a>
     */
    public static String encodeQuery(String text) {
        return encode(text, "%20");
    }

    /**
     * Encodes one name or value of a form. Escapes everything but the unreserved characters of RFC 3986.
     *
     * @param text the name or value
     * @return the encoded text in ASCII, with a space as {@code +}
     * @see <a href="https://www.rfc-editor.org/rfc/rfc6749#appendix-B">RFC 6749 appendix B</a>
     */
    public static String encodeForm(String text) {
        return encode(text, "+");
    }

    private static String format(Map<String, String> parameters, String space) {
        StringBuilder text = new StringBuilder(FORM_LENGTH);
        for (Map.Entry<String, String> parameter : parameters.entrySet()) {
            if (!text.isEmpty()) {
                text.append('&');
            }
            encode(parameter.getKey(), space, text);
            encode(parameter.getValue(), space, text.append('='));
        }
        return text.toString();
    }

    private static String encode(String text, String space) {
        if (isUnreserved(text, 0, text.length())) {
            return text;
        }
        StringBuilder encoded = new StringBuilder(text.length() + 16);
        encode(text, space, encoded);
        return encoded.toString();
    }

    private static void encode(String text, String space, StringBuilder encoded) {
        if (isUnreserved(text, 0, text.length())) {
            encoded.append(text);
            return;
        }
        for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
            if (isUnreserved((char) (b & 0xFF))) {
                encoded.append((char) b);
            } else if (b == ' ') {
                encoded.append(space);
            } else {
                encoded.append('%').append(HEX[b >> 4 & 0xF]).append(HEX[b & 0xF]);
            }
        }
    }

    private static @Nullable String decode(String text, int start, int end) {
        // Fast path: most names and values need no decoding, and anyone can send a query.
        if (isUnreserved(text, start, end)) {
            return text.substring(start, end);
        }
        ByteBuffer bytes = ByteBuffer.allocate(end - start);
        for (int i = start; i < end; i++) {
            char c = text.charAt(i);
            if (c == '%') {
                int high = i + 2 < end ? hexDigit(text.charAt(i + 1)) : -1;
                int low = i + 2 < end ? hexDigit(text.charAt(i + 2)) : -1;
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
            // Unlike new String, the decoder of the charset reports overlong forms and encoded surrogates.
            CharBuffer decoded = StandardCharsets.UTF_8.newDecoder().decode(bytes.flip());
            return decoded.chars().anyMatch(Character::isISOControl) ? null : decoded.toString();
        } catch (CharacterCodingException malformed) {
            return null;
        }
    }

    /** Returns the value of an ASCII digit. {@link Character#digit} would also take the digits of other scripts. */
    private static int hexDigit(char c) {
        return c < 0x80 ? Character.digit(c, 16) : -1;
    }

    private static boolean isUnreserved(String text, int start, int end) {
        for (int i = start; i < end; i++) {
            if (!isUnreserved(text.charAt(i))) {
                return false;
            }
        }
        return true;
    }

    private static boolean isUnreserved(char c) {
        return (c >= 'a' && c <= 'z')
                || (c >= 'A' && c <= 'Z')
                || (c >= '0' && c <= '9')
                || c == '-'
                || c == '.'
                || c == '_'
                || c == '~';
    }
}
