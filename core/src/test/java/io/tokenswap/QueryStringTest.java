package io.tokenswap;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class QueryStringTest {

    @ParameterizedTest(name = "A20: {0} reads {1}")
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
    void valueIsDecodedOnce(String escaped, String value) {
        assertThat(QueryString.parse("x=" + escaped)).containsExactly(Map.entry("x", List.of(value)));
    }

    @ParameterizedTest(name = "A21: {0} makes the query invalid")
    @ValueSource(
            strings = {"%", "%z", "%zz", "%4", "%4z", "%C3", "%C0%AF", "%ED%A0%80", "%FF", "%F5%80%80%80", "\u00e9", " "
            })
    void brokenEscapeMakesTheQueryInvalid(String escaped) {
        assertThat(QueryString.parse("x=" + escaped)).isNull();
        assertThat(QueryString.parse("ok=1&" + escaped + "=x")).isNull();
    }

    @ParameterizedTest(name = "A22: {0} makes the query invalid")
    @ValueSource(strings = {"%00", "%0A", "%0D", "%09", "%1B", "%7F", "%C2%85", "\t", "\u0000"})
    void controlCharacterMakesTheQueryInvalid(String escaped) {
        assertThat(QueryString.parse("x=a" + escaped)).isNull();
    }

    @Test
    void a23_semicolonSeparatesNothing() {
        assertThat(QueryString.parse("a=1;b=2&c=3"))
                .containsExactly(Map.entry("a", List.of("1;b=2")), Map.entry("c", List.of("3")));
    }

    @Test
    void parametersKeepTheirOrderAndAllValues() {
        assertThat(QueryString.parse("b=1&a=2&b=3&&flag&=x"))
                .containsExactly(
                        Map.entry("b", List.of("1", "3")),
                        Map.entry("a", List.of("2")),
                        Map.entry("flag", List.of("")),
                        Map.entry("", List.of("x")));
        assertThat(QueryString.parse("")).isEmpty();
    }

    @Test
    void whatIsEncodedIsDecodedToTheSame() {
        String text = "a+b c/d=e&f%g#h?i\u00e9\uD83C\uDFB5~-._\u20ac\"<>'";

        String encoded = QueryString.encode(text);

        assertThat(encoded).matches("[A-Za-z0-9%~._-]*").contains("%20").doesNotContain("+");
        assertThat(QueryString.parse("x=" + encoded)).containsExactly(Map.entry("x", List.of(text)));
    }
}
