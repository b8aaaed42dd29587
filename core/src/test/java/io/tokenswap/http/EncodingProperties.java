package io.tokenswap.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.handler.codec.http.QueryStringDecoder;
import io.tokenswap.internal.Json;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;

/** What holds for every value that a request carries. */
final class EncodingProperties {

    private EncodingProperties() {}

    /** The server reads what was meant, in both encodings. */
    static void check(String value) {
        Map<String, String> fields = Map.of("value", value);

        assertThat(Json.readObject(Encoding.JSON.encode(fields))).isEqualTo(fields);
        assertThat(new QueryStringDecoder(new String(Encoding.FORM.encode(fields), StandardCharsets.US_ASCII), false)
                        .parameters())
                .isEqualTo(Map.of("value", List.of(value)));
    }
}
