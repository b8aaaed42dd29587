package io.tokenswap.samples.exchange.config;

import java.time.Duration;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Parsers of values, and the mistakes that are found in values of every kind. */
public final class Values {

    private static final Pattern SERVICE_LINK = Pattern.compile("(tcp|udp|sctp)://.*");
    private static final Pattern QUOTED = Pattern.compile("(\".*\"|'.*')", Pattern.DOTALL);
    private static final Pattern PLACEHOLDER =
            Pattern.compile("(\\$\\{.*}|\\$\\(.*\\)|`.*`|<.*>|\\{\\{.*}}|\\.{3,})", Pattern.DOTALL);
    private static final Pattern DURATION = Pattern.compile("([0-9]{1,9})(ms|s|m|h|d)?");

    /** Values of published examples, which protect nothing. Compared without case, hyphens and underscores. */
    private static final Set<String> SAMPLE_SECRETS = Set.of(
            "changeme",
            "changeit",
            "secret",
            "clientsecret",
            "yourclientsecret",
            "myclientsecret",
            "spotifyclientsecret",
            "password",
            "yoursecret",
            "mysecret",
            "supersecret",
            "topsecret",
            "todo",
            "xxx",
            "xxxx",
            "xxxxxxxx",
            "test",
            "example",
            "placeholder",
            "replaceme",
            "insertclientsecrethere",
            "yourspotifyclientsecret",
            "none",
            "null");

    private Values() {}

    /** Returns the value if it is not a placeholder or a quoted text. */
    static String checked(String text) {
        if (SERVICE_LINK.matcher(text).matches()) {
            throw new IllegalArgumentException("holds an address that Kubernetes' service links put there:"
                    + " set enableServiceLinks: false in the pod, or rename the service");
        }
        if (QUOTED.matcher(text).matches()) {
            throw new IllegalArgumentException(
                    "is in quotes: remove them. docker's --env-file keeps quotes, other than a shell");
        }
        if (PLACEHOLDER.matcher(text).matches()) {
            throw new IllegalArgumentException("holds a placeholder that was not replaced:"
                    + " docker's --env-file and systemd do not run shell expressions");
        }
        return text;
    }

    /** Parses a secret: printable ASCII without spaces, and no word out of an example. */
    public static String secret(String text) {
        String word = credential(text).toLowerCase(Locale.ROOT).replaceAll("[-_]", "");
        if (SAMPLE_SECRETS.contains(word)) {
            throw new IllegalArgumentException(
                    "is a word out of an example: copy the value from the provider's dashboard");
        }
        return text;
    }

    /** Parses printable ASCII without spaces. */
    public static String credential(String text) {
        if (!text.chars().allMatch(c -> c > 0x20 && c < 0x7F)) {
            throw new IllegalArgumentException("holds a space or a character that is not plain ASCII");
        }
        return text;
    }

    /** Parses a port, or 0 for any free one. */
    public static int port(String text) {
        if (!text.matches("[0-9]{1,5}") || Integer.parseInt(text) > 65535) {
            throw new IllegalArgumentException("is not a port from 0 (any free one) to 65535");
        }
        return Integer.parseInt(text);
    }

    /** Parses a count, in which 0 means something only where {@code least} is 0. */
    public static int count(String text, int least) {
        if (!text.matches("[0-9]{1,7}") || Integer.parseInt(text) < least) {
            throw new IllegalArgumentException("is not a whole number from " + least + " to 9999999");
        }
        return Integer.parseInt(text);
    }

    /** Parses a duration, for example {@code 75s}, {@code 500ms}, {@code 5m}, {@code 2h} or {@code 180d}. */
    public static Duration duration(String text) {
        Matcher duration = DURATION.matcher(text);
        if (!duration.matches()) {
            throw new IllegalArgumentException("is not a duration such as 500ms, 75s, 5m, 2h or 180d");
        }
        long amount = Long.parseLong(duration.group(1));
        String unit = duration.group(2) == null ? "s" : duration.group(2);
        return switch (unit) {
            case "ms" -> Duration.ofMillis(amount);
            case "m" -> Duration.ofMinutes(amount);
            case "h" -> Duration.ofHours(amount);
            case "d" -> Duration.ofDays(amount);
            default -> Duration.ofSeconds(amount);
        };
    }

    /** Parses {@code true} or {@code false}. */
    public static boolean bool(String text) {
        return switch (text) {
            case "true" -> true;
            case "false" -> false;
            default -> throw new IllegalArgumentException("is neither true nor false");
        };
    }
}
