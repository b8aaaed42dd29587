package io.tokenswap.samples.provider;

import java.time.Duration;
import java.time.format.DateTimeParseException;
import java.util.Locale;
import java.util.Map;
import java.util.function.Consumer;

/** Reads the options of {@link Main}; a wrong value is an {@link IllegalArgumentException} that names its variable. */
final class Environment {

    private final Map<String, String> variables;

    private Environment(Map<String, String> variables) {
        this.variables = variables;
    }

    static DemoProvider.Builder of(Map<String, String> variables) {
        return new Environment(variables).read();
    }

    private DemoProvider.Builder read() {
        DemoProvider.Builder builder = DemoProvider.builder();
        read("PORT", "9000", value -> builder.port(port(value)));
        read("CLIENT_ID", "demo-client", builder::clientId);
        read("CLIENT_SECRET", "demo-secret", builder::clientSecret);
        read(
                "REDIRECT_URIS",
                "http://127.0.0.1:8080/callback",
                value -> builder.redirectUris(value.trim().split("[\\s,]+")));
        read("ACCESS_TOKEN_LIFETIME", "PT1H", value -> builder.accessTokenLifetime(duration(value)));
        read("AUTO_APPROVE", "false", value -> builder.autoApprove(bool(value)));
        return builder;
    }

    private void read(String name, String byDefault, Consumer<String> option) {
        String value = variables.getOrDefault(name, "");
        try {
            option.accept(value.isBlank() ? byDefault : value.trim());
        } catch (IllegalArgumentException wrong) {
            throw new IllegalArgumentException(name + ": " + wrong.getMessage(), wrong);
        }
    }

    private static int port(String value) {
        if (!value.matches("[0-9]{1,5}")) {
            throw new IllegalArgumentException("must be a number from 0 to 65535");
        }
        return Integer.parseInt(value);
    }

    private static Duration duration(String value) {
        try {
            return value.matches("[0-9]{1,9}") ? Duration.ofSeconds(Long.parseLong(value)) : Duration.parse(value);
        } catch (DateTimeParseException wrong) {
            throw new IllegalArgumentException("must be seconds (3600) or an ISO duration (PT1H)", wrong);
        }
    }

    private static boolean bool(String value) {
        return switch (value.toLowerCase(Locale.ROOT)) {
            case "true" -> true;
            case "false" -> false;
            default -> throw new IllegalArgumentException("must be true or false");
        };
    }
}
