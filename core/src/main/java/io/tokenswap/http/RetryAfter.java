package io.tokenswap.http;

import io.netty.handler.codec.DateFormatter;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.Date;
import java.util.List;
import java.util.Objects;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * When a server allows another attempt.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3">RFC 9110 section 10.2.3</a>
 */
final class RetryAfter {

    /** Nobody means more than this, and a mistake must not silence a client for years. */
    private static final Duration LONGEST = Duration.ofDays(1);

    /** The date parser refuses more by an exception. */
    private static final int LONGEST_TEXT = 64;

    private static final Pattern SECONDS = Pattern.compile("[0-9]+");

    private RetryAfter() {}

    /** What the most patient of several headers says, or null if none says anything. */
    static @Nullable Instant latest(List<String> values, Instant now) {
        return values.stream()
                .map(value -> parse(value, now))
                .filter(Objects::nonNull)
                .max(Comparator.naturalOrder())
                .orElse(null);
    }

    /** The instant, between now and a day from now, or null where the server did not say or said nonsense. */
    private static @Nullable Instant parse(String value, Instant now) {
        String text = value.strip();
        if (text.length() > LONGEST_TEXT) {
            return null;
        }
        if (SECONDS.matcher(text).matches()) {
            boolean sane = text.length() <= 9;
            return clamp(sane ? now.plusSeconds(Long.parseLong(text)) : Instant.MAX, now);
        }
        Date date = DateFormatter.parseHttpDate(text);
        return date == null ? null : clamp(date.toInstant(), now);
    }

    private static Instant clamp(Instant wanted, Instant now) {
        Instant latest = now.plus(LONGEST);
        return wanted.isBefore(now) ? now : wanted.isAfter(latest) ? latest : wanted;
    }
}
