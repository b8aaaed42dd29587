package io.tokenswap.samples.exchange;

import java.io.StringWriter;
import java.util.LinkedHashMap;
import java.util.Map;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.json.JsonFactory;

/** The only place that knows Jackson: objects of text come in, objects of text and numbers go out. */
final class Json {

    private static final JsonFactory FACTORY = JsonFactory.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .streamReadConstraints(
                    StreamReadConstraints.builder().maxNestingDepth(32).build())
            .build();

    private Json() {}

    /** The parameters of an object. Null stands for an omitted one; all others are text. */
    static Map<String, String> parse(String text) {
        Map<String, String> parameters = new LinkedHashMap<>();
        try (JsonParser parser = FACTORY.createParser(ObjectReadContext.empty(), text)) {
            if (parser.nextToken() != JsonToken.START_OBJECT) {
                throw malformed();
            }
            while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
                String name = parser.currentName();
                JsonToken value = parser.nextToken();
                if (value == JsonToken.VALUE_STRING) {
                    parameters.put(name, parser.getString());
                } else if (value != JsonToken.VALUE_NULL) {
                    throw malformed();
                }
            }
            if (parser.nextToken() != null) {
                throw malformed();
            }
            return parameters;
        } catch (JacksonException notJson) {
            throw malformed();
        }
    }

    /** An object of texts and longs, in the order of the map. */
    static String format(Map<String, Object> properties) {
        StringWriter text = new StringWriter();
        try (JsonGenerator json = FACTORY.createGenerator(ObjectWriteContext.empty(), text)) {
            json.writeStartObject();
            properties.forEach((name, value) -> {
                if (value instanceof Long number) {
                    json.writeNumberProperty(name, number);
                } else {
                    json.writeStringProperty(name, value.toString());
                }
            });
            json.writeEndObject();
        }
        return text.toString();
    }

    private static ErrorResponse malformed() {
        return ErrorResponse.invalidRequest("The body is not one JSON object with text values");
    }
}
