package io.tokenswap.internal;

import java.io.ByteArrayOutputStream;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonEncoding;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.core.util.JsonRecyclerPools;

/**
 * Reads and writes JSON objects. The only class that knows Jackson.
 *
 * <p>The reader refuses everything that two readers could understand differently: a duplicate key, broken UTF-8, half a surrogate
 * pair, text after the end, and more than 32 levels. It reads bytes that are complete and bounded by the caller. Jackson's
 * non-blocking parser is not used, because it checks its limits for each piece and not for the whole.
 */
public final class Json {

    private static final JsonFactory FACTORY = JsonFactory.builder()
            .streamReadConstraints(
                    StreamReadConstraints.builder().maxNestingDepth(32).build())
            .recyclerPool(JsonRecyclerPools.threadLocalPool())
            .build();

    private Json() {}

    /**
     * Reads one object from UTF-8. A byte order mark in front of it is skipped.
     *
     * @param utf8 the complete document
     * @return the members in order (strings, {@link BigDecimal}, booleans, null, lists and maps), or null if the bytes
     *     are anything but one well-formed object. There is no reason, because Jackson's messages quote what was read
     */
    public static @Nullable Map<String, @Nullable Object> readObject(byte[] utf8) {
        String text = decode(utf8);
        return text == null ? null : readObject(text.startsWith("\uFEFF") ? text.substring(1) : text);
    }

    /**
     * Reads one object from text. A byte order mark in front of it is refused.
     *
     * @param text the complete document
     * @return the members in order (strings, {@link BigDecimal}, booleans, null, lists and maps), or null if the text is anything
     *     but one well-formed object
     */
    public static @Nullable Map<String, @Nullable Object> readObject(String text) {
        try (JsonParser parser = FACTORY.createParser(ObjectReadContext.empty(), text)) {
            if (parser.nextToken() != JsonToken.START_OBJECT) {
                return null;
            }
            Map<String, @Nullable Object> members = object(parser);
            return parser.nextToken() == null ? members : null;
        } catch (JacksonException | MalformedTextException | NumberFormatException malformed) {
            return null;
        }
    }

    /**
     * Writes one object.
     *
     * @param members strings, numbers, booleans, nulls, lists and maps of these, written in the order of the map
     * @return the object in UTF-8
     * @throws IllegalArgumentException if a value has another type
     */
    public static byte[] writeObject(Map<String, ? extends @Nullable Object> members) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream(256);
        try (JsonGenerator generator = FACTORY.createGenerator(ObjectWriteContext.empty(), bytes, JsonEncoding.UTF8)) {
            generator.writeStartObject();
            members.forEach((name, value) -> write(generator.writeName(name), value));
            generator.writeEndObject();
        }
        return bytes.toByteArray();
    }

    private static void write(JsonGenerator generator, @Nullable Object value) {
        if (value == null) {
            generator.writeNull();
        } else if (value instanceof String text) {
            generator.writeString(text);
        } else if (value instanceof Boolean flag) {
            generator.writeBoolean(flag);
        } else if (value instanceof Long || value instanceof Integer) {
            generator.writeNumber(((Number) value).longValue());
        } else if (value instanceof BigDecimal number) {
            generator.writeNumber(number);
        } else if (value instanceof List<?> elements) {
            generator.writeStartArray();
            elements.forEach(element -> write(generator, element));
            generator.writeEndArray();
        } else if (value instanceof Map<?, ?> members) {
            generator.writeStartObject();
            members.forEach((name, member) -> write(generator.writeName(String.valueOf(name)), member));
            generator.writeEndObject();
        } else {
            throw new IllegalArgumentException("JSON is not written for " + value.getClass());
        }
    }

    /** Returns the text, or null if the bytes are not UTF-8. */
    private static @Nullable String decode(byte[] utf8) {
        if (isAscii(utf8)) {
            return new String(utf8, StandardCharsets.ISO_8859_1);
        }
        try {
            // Unlike new String, the decoder of the charset reports broken UTF-8.
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(utf8))
                    .toString();
        } catch (CharacterCodingException malformed) {
            return null;
        }
    }

    private static boolean isAscii(byte[] bytes) {
        for (byte b : bytes) {
            if (b < 0) {
                return false;
            }
        }
        return true;
    }

    private static Map<String, @Nullable Object> object(JsonParser parser) throws MalformedTextException {
        Map<String, @Nullable Object> members = new LinkedHashMap<>();
        while (parser.nextToken() != JsonToken.END_OBJECT) {
            String name = wellFormed(parser.currentName());
            parser.nextToken();
            int before = members.size();
            members.put(name, value(parser));
            // Jackson can detect this too, with a second set of the names.
            if (members.size() == before) {
                throw new MalformedTextException("A duplicate key");
            }
        }
        return members;
    }

    private static List<@Nullable Object> array(JsonParser parser) throws MalformedTextException {
        List<@Nullable Object> elements = new ArrayList<>();
        while (parser.nextToken() != JsonToken.END_ARRAY) {
            elements.add(value(parser));
        }
        return elements;
    }

    // The factory's constraint bounds the depth of this recursion.
    private static @Nullable Object value(JsonParser parser) throws MalformedTextException {
        return switch (parser.currentToken()) {
            case START_OBJECT -> object(parser);
            case START_ARRAY -> array(parser);
            case VALUE_STRING -> wellFormed(parser.getString());
            // From the text: a double has too few digits, and a BigInteger of 1e999999999 has too many.
            case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT -> new BigDecimal(parser.getString());
            case VALUE_TRUE -> true;
            case VALUE_FALSE -> false;
            default -> null;
        };
    }

    /** Refuses half a surrogate pair, which an escape can produce. It has no UTF-8 form: sent back, it would be another text. */
    private static String wellFormed(String text) throws MalformedTextException {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (Character.isSurrogate(c)) {
                boolean pair = i + 1 < text.length() && Character.isSurrogatePair(c, text.charAt(i + 1));
                if (!pair) {
                    throw new MalformedTextException("Half a surrogate pair");
                }
                i++;
            }
        }
        return text;
    }

    private static final class MalformedTextException extends Exception {

        private static final long serialVersionUID = 1L;

        MalformedTextException(String message) {
            super(message, null, false, false);
        }
    }
}
