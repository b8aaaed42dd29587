package io.tokenswap.http;

import io.netty.handler.codec.DateFormatter;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.Date;
import java.util.List;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Reads the time from which a server allows another attempt.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3">RFC 9110 section 10.2.3</a>
 */
final class RetryAfter {

    /** Longest pause that is obeyed. A greater value is a mistake, which must not stop a client for years. */
    private static final Duration LONGEST = Duration.ofDays(1);

    /** Longest text that is parsed: the date parser throws an exception for more. */
    private static final int LONGEST_TEXT = 64;

    /** Whole seconds by the RFC. Servers also send fractions, and proxies join two headers by a comma. */
    private static final Pattern SECONDS = Pattern.compile("([0-9]+)(\\.[0-9]+)?");

    /** The end of an HTTP date. The oldest of its three formats ends with the year and means GMT. */
    private static final Pattern GMT = Pattern.compile(" (GMT|[0-9]{4})$");

    private static final Pattern LIST = Pattern.compile("[0-9.]+(\\s*,\\s*[0-9.]+)+");

    private RetryAfter() {}

    /** Returns the latest time of several headers, or null if none names a valid one. */
    static @Nullable Instant latest(List<String> values, Instant now) {
        return values.stream()
                .map(value -> parse(value, now))
                .filter(Objects::nonNull)
                .max(Comparator.naturalOrder())
                .orElse(null);
    }

    /** Returns an instant between now and a day from now, or null if the value is no valid one. */
    private static @Nullable Instant parse(String value, Instant now) {
        String text = value.strip();
        if (text.length() > LONGEST_TEXT) {
            return null;
        }
        if (LIST.matcher(text).matches()) {
            return latest(List.of(text.split(",")), now);
        }
        Matcher seconds = SECONDS.matcher(text);
        if (seconds.matches()) {
            boolean sane = seconds.group(1).length() <= 9;
            long whole = sane ? Long.parseLong(seconds.group(1)) : 0;
            // Rounded up: a request that comes too early gets another 429.
            return clamp(sane ? now.plusSeconds(seconds.group(2) == null ? whole : whole + 1) : Instant.MAX, now);
        }
        // The parser ignores the zone and would read any time as GMT.
        Date date = GMT.matcher(text).find() ? DateFormatter.parseHttpDate(text) : null;
        return date == null ? null : clamp(date.toInstant(), now);
    }

    private static Instant clamp(Instant wanted, Instant now) {
        Instant latest = now.plus(LONGEST);
        return wanted.isBefore(now) ? now : wanted.isAfter(latest) ? latest : wanted;
    }
}
