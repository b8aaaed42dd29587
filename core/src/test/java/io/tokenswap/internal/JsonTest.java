package io.tokenswap.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JsonTest {

    @Test
    void everyKindOfValueIsRead() {
        Map<String, @Nullable Object> members = Json.readObject("""
                {"s": "caf\u00e9 \\ud83c\\udfb5", "i": 3600, "f": 1.50, "t": true, "f2": false, "n": null, "l": ["a", null], "o": {"k": "v"}}""");

        assertThat(members)
                .containsEntry("s", "caf\u00e9 \uD83C\uDFB5")
                .containsEntry("i", new BigDecimal("3600"))
                .containsEntry("f", new BigDecimal("1.50"))
                .containsEntry("t", true)
                .containsEntry("f2", false)
                .containsEntry("n", null)
                .containsEntry("l", Arrays.asList("a", null))
                .containsEntry("o", Map.of("k", "v"));
    }

    @ParameterizedTest(name = "{0} is refused")
    @ValueSource(
            strings = {
                "",
                "null",
                "[]",
                "\"text\"",
                "{",
                "{\"a\":1",
                "{\"a\":1}x",
                "{\"a\":1}{}",
                "{\"a\":1,}",
                "{'a':1}",
                "{\"a\":NaN}",
                "{\"a\":1}//",
                "{\"a\":01}",
                "{\"a\":1e99999999999}",
                "{\"a\":\"\u0001\"}"
            })
    void anythingButOneObjectIsRefused(String text) {
        assertThat(Json.readObject(text)).isNull();
        assertThat(Json.readObject(text.getBytes(StandardCharsets.UTF_8))).isNull();
    }

    @ParameterizedTest(name = "{0} is refused")
    @ValueSource(strings = {"{\"a\":1,\"a\":1}", "{\"o\":{\"a\":1,\"a\":2}}", "{\"a\":1,\"\\u0061\":2}"})
    void aDuplicateKeyIsRefusedAtEveryLevel(String text) {
        assertThat(Json.readObject(text)).isNull();
    }

    @ParameterizedTest(name = "{0} is refused")
    @ValueSource(
            strings = {
                "{\"a\":\"\\ud83c\"}",
                "{\"a\":\"\\udfb5\"}",
                "{\"a\":\"\\udfb5\\ud83c\"}",
                "{\"a\":\"\\ud83cx\"}",
                "{\"\\ud83c\":1}",
                "{\"o\":{\"\\udfb5\":1}}",
                "{\"l\":[\"\\ud83c\"]}"
            })
    void halfASurrogatePairIsRefusedInNamesAndValues(String text) {
        assertThat(Json.readObject(text)).isNull();
    }

    @Test
    void depthOf32IsReadAndMoreIsRefused() {
        assertThat(Json.readObject("{\"a\":" + "[".repeat(31) + "]".repeat(31) + "}"))
                .isNotNull();
        assertThat(Json.readObject("{\"a\":" + "[".repeat(32) + "]".repeat(32) + "}"))
                .isNull();
    }

    @Test
    void aByteOrderMarkIsSkippedInBytesAndRefusedInText() {
        assertThat(Json.readObject("\uFEFF{\"a\":1}".getBytes(StandardCharsets.UTF_8)))
                .isNotNull();
        assertThat(Json.readObject("\uFEFF\uFEFF{\"a\":1}".getBytes(StandardCharsets.UTF_8)))
                .isNull();
        assertThat(Json.readObject("\uFEFF{\"a\":1}")).isNull();
    }

    @Test
    void bytesThatAreNotUtf8AreRefused() {
        byte[] overlong = {'{', '"', 'a', '"', ':', '"', (byte) 0xC0, (byte) 0xAF, '"', '}'};
        byte[] surrogate = {'{', '"', 'a', '"', ':', '"', (byte) 0xED, (byte) 0xA0, (byte) 0x80, '"', '}'};

        assertThat(Json.readObject(overlong)).isNull();
        assertThat(Json.readObject(surrogate)).isNull();
        assertThat(Json.readObject("{\"a\":1}".getBytes(StandardCharsets.UTF_16)))
                .isNull();
        assertThat(Json.readObject("{\"a\":1}".getBytes(StandardCharsets.UTF_16LE)))
                .isNull();
    }

    @Test
    void whatIsWrittenIsReadTheSame() {
        Map<String, @Nullable Object> members = new LinkedHashMap<>();
        members.put("s", "\"\\\n\u0000caf\u00e9 \uD83C\uDFB5\u2028");
        members.put("i", 3600);
        members.put("l", Long.MAX_VALUE);
        members.put("b", true);
        members.put("n", null);

        assertThat(Json.writeObject(members))
                .asString(StandardCharsets.UTF_8)
                .startsWith("{\"s\":")
                .endsWith("\"i\":3600,\"l\":9223372036854775807,\"b\":true,\"n\":null}");
        assertThat(Json.readObject(Json.writeObject(members)))
                .containsEntry("s", members.get("s"))
                .containsEntry("i", BigDecimal.valueOf(3600));
    }

    @Test
    void aValueOfAnotherTypeIsNotWritten() {
        assertThatIllegalArgumentException().isThrownBy(() -> Json.writeObject(Map.of("a", new Object())));
    }

    @Test
    void whatWasReadIsWrittenAgain() {
        String text = "{\"a\":[1.50,[],{}],\"b\":{\"c\":null,\"d\":[\"e\",true]}}";

        assertThat(Json.writeObject(Json.readObject(text)))
                .asString(StandardCharsets.UTF_8)
                .isEqualTo(text);
    }
}
