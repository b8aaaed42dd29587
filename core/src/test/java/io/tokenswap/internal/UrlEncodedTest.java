package io.tokenswap.internal;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class UrlEncodedTest {

    @ParameterizedTest(name = "{0} reads {1}")
    @CsvSource(delimiter = '|', ignoreLeadingAndTrailingWhitespace = false, textBlock = """
            a|a
            a+b|a b
            a%20b|a b
            a%2Bb|a+b
            a%2bb|a+b
            %C3%A9|\u00e9
            %F0%9F%8E%B5|\uD83C\uDFB5
            %2520|%20
            ~-._!*'()@:/?|~-._!*'()@:/?
            a=b|a=b
            """)
    @Tag("A20")
    void aValueIsDecodedOnce(String escaped, String value) {
        assertThat(UrlEncoded.parse("x=" + escaped)).containsExactly(Map.entry("x", List.of(value)));
        assertThat(UrlEncoded.parseUnique("x=" + escaped)).containsExactly(Map.entry("x", value));
    }

    @ParameterizedTest(name = "{0} makes the text malformed")
    @ValueSource(
            strings = {
                "%",
                "%z",
                "%zz",
                "%4",
                "%4z",
                "%\uFF14\uFF11",
                "%C3",
                "%C0%AF",
                "%ED%A0%80",
                "%FF",
                "%F5%80%80%80",
                "\u00e9",
                " "
            })
    @Tag("A21")
    void aBrokenEscapeMakesTheTextMalformed(String escaped) {
        assertThat(UrlEncoded.parse("x=" + escaped)).isNull();
        assertThat(UrlEncoded.parse("ok=1&" + escaped + "=x")).isNull();
        assertThat(UrlEncoded.parse(escaped)).isNull();
        assertThat(UrlEncoded.parse("x=" + escaped + "&ok=1")).isNull();
        assertThat(UrlEncoded.parseUnique("x=" + escaped)).isNull();
    }

    @ParameterizedTest(name = "{0} makes the text malformed")
    @ValueSource(strings = {"%00", "%0A", "%0D", "%09", "%1B", "%7F", "%C2%85", "\t", "\u0000"})
    @Tag("A22")
    void aControlCharacterMakesTheTextMalformed(String escaped) {
        assertThat(UrlEncoded.parse("x=a" + escaped)).isNull();
        assertThat(UrlEncoded.parse("a" + escaped + "=x")).isNull();
    }

    @Test
    @Tag("A23")
    void aSemicolonSeparatesNothing() {
        assertThat(UrlEncoded.parse("a=1;b=2&c=3"))
                .containsExactly(Map.entry("a", List.of("1;b=2")), Map.entry("c", List.of("3")));
    }

    @Test
    void parametersKeepTheirOrderAndAllValues() {
        assertThat(UrlEncoded.parse("b=1&a=2&b=3&&flag&=x&"))
                .containsExactly(
                        Map.entry("b", List.of("1", "3")),
                        Map.entry("a", List.of("2")),
                        Map.entry("flag", List.of("")),
                        Map.entry("", List.of("x")));
        assertThat(UrlEncoded.parse("")).isEmpty();
        assertThat(UrlEncoded.parse("flag&a=1"))
                .containsExactly(Map.entry("flag", List.of("")), Map.entry("a", List.of("1")));
    }

    @Test
    void aRepeatedNameIsRefusedWhereNamesMustBeUnique() {
        assertThat(UrlEncoded.parseUnique("a=1&b=2")).containsExactly(Map.entry("a", "1"), Map.entry("b", "2"));
        assertThat(UrlEncoded.parseUnique("a=1&b=2&a=1")).isNull();
        assertThat(UrlEncoded.parseUnique("a=1&%61=2")).isNull();
        assertThat(UrlEncoded.parseUnique("a&a")).isNull();
    }

    @Test
    void whatIsWrittenIsReadTheSame() {
        String text = "a+b c/d=e&f%g#h?i\u00e9\uD83C\uDFB5~-._\u20ac\"<>'";
        Map<String, String> parameters = new LinkedHashMap<>();
        parameters.put("x", text);
        parameters.put(text, "");

        String query = UrlEncoded.encodeQuery(text);
        String form = UrlEncoded.encodeForm(text);

        assertThat(query).matches("[A-Za-z0-9%~._-]*").contains("%20");
        assertThat(form).isEqualTo(query.replace("%20", "+"));
        assertThat(UrlEncoded.formatQuery(parameters)).isEqualTo("x=" + query + "&" + query + "=");
        assertThat(UrlEncoded.formatForm(parameters)).isEqualTo("x=" + form + "&" + form + "=");
        assertThat(UrlEncoded.parseUnique(UrlEncoded.formatQuery(parameters))).isEqualTo(parameters);
        assertThat(UrlEncoded.parseUnique(UrlEncoded.formatForm(parameters))).isEqualTo(parameters);
        assertThat(UrlEncoded.formatForm(Map.of())).isEmpty();
    }

    @Test
    void theExampleOfTheRfcIsWrittenAsItPrintsIt() {
        assertThat(UrlEncoded.encodeForm(" %&+\u00a3\u20ac")).isEqualTo("+%25%26%2B%C2%A3%E2%82%AC");
    }
}
