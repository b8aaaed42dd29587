package io.tokenswap.samples.exchange.config;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Reads variables and collects their problems, so that an operator sees all of them at once. A parser reports a problem
 * by {@link IllegalArgumentException}. Its message continues after the name of the variable and never quotes the value.
 *
 * <p>Each variable {@code NAME} may be given by a file instead, whose path is in {@code NAME_FILE}. Orchestrators mount
 * secrets as files, and a file can be replaced while the program runs.
 */
public final class Environment {

    /** More than any setting needs. */
    private static final long LONGEST_FILE = 64 * 1024;

    private final Map<String, String> variables;
    private final Set<String> known = new LinkedHashSet<>();
    private final Map<String, Path> files = new HashMap<>();
    private final List<String> problems = new ArrayList<>();

    /** @param variables the environment of a process, or a map that stands for one */
    public Environment(Map<String, String> variables) {
        this.variables = Map.copyOf(variables);
    }

    /** Reads a variable that must be set. The value is available after {@link #check()}. */
    public <T> Supplier<T> required(String name, Function<String, T> parser, String... aliases) {
        return read(name, null, parser, aliases);
    }

    /** Reads a variable that may be left out. The value is available after {@link #check()}. */
    public <T> Supplier<T> optional(String name, String fallback, Function<String, T> parser, String... aliases) {
        return read(name, fallback, parser, aliases);
    }

    /** Reads a variable that may be left out, and supplies null in that case. */
    @SuppressWarnings("UnnecessaryMethodReference") // a Supplier<T> is no Supplier<@Nullable T>
    public <T> Supplier<@Nullable T> nullable(String name, Function<String, T> parser, String... aliases) {
        know(name, aliases);
        if (!has(name, aliases)) {
            return () -> null;
        }
        Supplier<T> value = read(name, null, parser, aliases);
        // A new supplier, because a supplier of T is not a supplier of a nullable T.
        return () -> {
            T set = value.get();
            return set;
        };
    }

    /** Adds a problem that several variables have together. */
    public void problem(String message) {
        problems.add(message);
    }

    /** Returns true if a variable is set, by itself, by its file or by another name. */
    public boolean has(String name, String... aliases) {
        return names(name, aliases).stream()
                .anyMatch(spelling -> variables.containsKey(spelling) || variables.containsKey(spelling + "_FILE"));
    }

    /** Returns the text of a variable, or an empty text if it is not set or has a problem. */
    public String text(String name) {
        try {
            return text(name, spelling(name), "");
        } catch (IllegalArgumentException reportedByItsReader) {
            return "";
        }
    }

    /** Returns the file that a variable was read from, or null if it was not read from a file. */
    public @Nullable Path file(String name) {
        return files.get(name);
    }

    /** Ends the reading and returns the problems, one sentence each. */
    public List<String> check() {
        List<String> all = new ArrayList<>(problems);
        all.addAll(NearNames.problems(variables, known));
        return all;
    }

    private <T> Supplier<T> read(
            String name, @Nullable String fallback, Function<String, T> parser, String... aliases) {
        know(name, aliases);
        String spelling = name;
        try {
            spelling = spelling(name, aliases);
            T value = parser.apply(text(name, spelling, fallback, aliases));
            return () -> value;
        } catch (IllegalArgumentException problem) {
            problems.add(spelling + " " + problem.getMessage());
            return () -> {
                throw new IllegalStateException(name + " has a problem");
            };
        }
    }

    private void know(String name, String... aliases) {
        for (String spelling : names(name, aliases)) {
            known.add(spelling);
            known.add(spelling + "_FILE");
        }
    }

    private static List<String> names(String name, String... aliases) {
        List<String> names = new ArrayList<>(List.of(name));
        names.addAll(List.of(aliases));
        return names;
    }

    /** Returns the spelling under which a variable is set. Two spellings of one variable must agree. */
    private String spelling(String name, String... aliases) {
        List<String> set = names(name, aliases).stream()
                .flatMap(spelling -> List.of(spelling, spelling + "_FILE").stream())
                .filter(variables::containsKey)
                .toList();
        if (set.size() > 1 && set.stream().map(variables::get).distinct().count() > 1) {
            throw new IllegalArgumentException("is set more than once, by " + String.join(" and ", set) + ": keep one");
        }
        return set.isEmpty() ? name : set.get(0);
    }

    private String text(String name, String spelling, @Nullable String fallback, String... aliases) {
        String text = variables.get(spelling);
        if (text == null) {
            if (fallback == null) {
                throw new IllegalArgumentException(
                        (aliases.length == 0 ? "is not set" : "(or " + String.join(", ", aliases) + ") is not set")
                                + ": set it, or " + name + "_FILE to the name of a file");
            }
            return fallback;
        }
        if (text.isBlank()) {
            throw new IllegalArgumentException(
                    fallback == null ? "is blank" : "is blank: give it a value or leave it out");
        }
        if (spelling.endsWith("_FILE") && !spelling.equals(name)) {
            Path file = Path.of(text);
            files.put(name, file);
            return Values.checked(contents(file));
        }
        if (!text.strip().equals(text)) {
            throw new IllegalArgumentException("has white space around its value");
        }
        return Values.checked(text);
    }

    /** Returns the contents of a file without the line break at its end. */
    public static String contents(Path file) {
        try {
            if (Files.size(file) > LONGEST_FILE) {
                throw new IllegalArgumentException("names a file that is longer than 64 KiB");
            }
            String text = Files.readString(file).strip();
            if (text.isEmpty()) {
                throw new IllegalArgumentException("names an empty file");
            }
            return text;
        } catch (IOException unreadable) {
            throw new IllegalArgumentException(
                    Files.exists(file)
                            ? "names a file that this user cannot read: check its owner and mode"
                            : "names a file that does not exist");
        }
    }
}
