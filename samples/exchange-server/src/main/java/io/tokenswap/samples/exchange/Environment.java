package io.tokenswap.samples.exchange;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Reads variables and collects what is wrong with them, so that an operator sees all of it at once. A parser complains by
 * {@link IllegalArgumentException}, whose message goes on after the name of the variable and never quotes the value.
 */
final class Environment {

    private final Map<String, String> variables;
    private final List<String> problems = new ArrayList<>();

    Environment(Map<String, String> variables) {
        this.variables = variables;
    }

    /** A variable that must be set. Its value can be had after {@link #check()}. */
    <T> Supplier<T> required(String name, Function<String, T> parser) {
        return read(name, null, parser);
    }

    /** A variable that may be left out. Its value can be had after {@link #check()}. */
    <T> Supplier<T> optional(String name, String fallback, Function<String, T> parser) {
        return read(name, fallback, parser);
    }

    boolean has(String name) {
        return variables.containsKey(name);
    }

    private <T> Supplier<T> read(String name, @Nullable String fallback, Function<String, T> parser) {
        try {
            T value = parser.apply(text(name, fallback));
            return () -> value;
        } catch (IllegalArgumentException problem) {
            problems.add(name + " " + problem.getMessage());
            return () -> {
                throw new IllegalStateException(name + " was not checked");
            };
        }
    }

    private String text(String name, @Nullable String fallback) {
        String text = variables.getOrDefault(name, fallback);
        if (text == null) {
            throw new IllegalArgumentException("is not set");
        }
        if (text.isBlank()) {
            throw new IllegalArgumentException(
                    fallback == null ? "is blank" : "is blank: give it a value or leave it out");
        }
        if (!text.strip().equals(text)) {
            throw new IllegalArgumentException("has white space around its value");
        }
        return text;
    }

    /** @throws ConfigurationException if anything that was read so far is not as it must be */
    void check() {
        if (!problems.isEmpty()) {
            throw new ConfigurationException(problems);
        }
    }
}
