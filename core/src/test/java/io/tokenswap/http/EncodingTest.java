package io.tokenswap.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.handler.codec.http.QueryStringDecoder;
import io.tokenswap.internal.Json;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class EncodingTest {

    @ParameterizedTest(name = "{0} survives both encodings")
    @ValueSource(
            strings = {
                "plain",
                "+/=&%",
                "%2B%26",
                "a b  c",
                "line\nbreak\r\n\ttab",
                "\"quoted\\\"",
                "caf\u00e9 \u20ac",
                "\uD83C\uDFB5",
                "\u0000\u001f\u2028",
                "~*'();:@,/?#[]!$",
                ""
            })
    @Tag("B115")
    void valueSurvives(String value) {
        Map<String, String> fields = Map.of("refresh_token", value);
        String form = new String(Encoding.FORM.encode(fields), StandardCharsets.US_ASCII);

        assertThat(Json.readObject(Encoding.JSON.encode(fields))).isEqualTo(fields);
        assertThat(new QueryStringDecoder(form, false).parameters()).isEqualTo(Map.of("refresh_token", List.of(value)));
        // What PHP's urldecode does: a plus is a space, the rest is percent-encoded UTF-8.
        assertThat(form).matches("refresh_token=[A-Za-z0-9%+._~-]*");
        assertThat(URLDecoder.decode(form.substring("refresh_token=".length()), StandardCharsets.UTF_8))
                .isEqualTo(value);
    }

    @Test
    void fieldsKeepTheirOrder() {
        Map<String, String> fields = new LinkedHashMap<>();
        fields.put("b", "1");
        fields.put("a", "");

        assertThat(Encoding.FORM.encode(fields))
                .asString(StandardCharsets.US_ASCII)
                .isEqualTo("b=1&a=");
        assertThat(Encoding.JSON.encode(fields))
                .asString(StandardCharsets.UTF_8)
                .isEqualTo("{\"b\":\"1\",\"a\":\"\"}");
    }
}
