package io.tokenswap.testing;

import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Predicate;
import java.util.regex.Pattern;

/**
 * Knows the secrets of the tests where it sees them. Whatever a test suite prints or logs, on any level, is shown to it: see
 * {@link CanaryAppender} and {@link CanaryExtension}. Safe for use by any thread.
 *
 * <p>A secret that a test makes up holds the word {@code canary}, or is called as {@link ScriptedEndpoint} calls its tokens.
 * Those that the library makes up, the state of a login and the code verifier, are known by their looks: 43 characters of
 * base64url that read like nothing.
 */
public final class Canary {

    private static final Pattern MARKED = Pattern.compile(
            // In capitals as Netty quotes a line that is no HTTP; and in base64, as a client secret is in a header, for
            // three bytes of client id and colon.
            "canary|CANARY|Y2FuYXJ5|\\b(access|refresh)-[0-9]");

    private static final Pattern RANDOM = Pattern.compile("(?<![\\w.$/-])[\\w-]{43}(?![\\w($.-])");

    /** 43 random characters hardly ever have fewer different ones, and a name as long as that hardly ever has as many. */
    private static final int DIFFERENT = 24;

    private static final Queue<String> HITS = new ConcurrentLinkedQueue<>();
    private static final AtomicLong INSPECTED = new AtomicLong();

    private Canary() {}

    /** Returns true if a text holds a secret. */
    public static boolean isIn(String text) {
        return MARKED.matcher(text).find()
                || (text.length() >= 43
                        && RANDOM.matcher(text).results().anyMatch(match -> looksRandom(match.group())));
    }

    private static boolean looksRandom(String word) {
        return word.chars().distinct().count() >= DIFFERENT;
    }

    /**
     * Looks at something that was printed or logged.
     *
     * @param where by whom
     * @param text what
     */
    public static void inspect(String where, String text) {
        INSPECTED.incrementAndGet();
        if (isIn(text)) {
            HITS.add(where + ": " + text);
        }
    }

    /** Returns the number of characters checked so far. */
    public static long inspected() {
        return INSPECTED.get();
    }

    /** The hits since the last call, or those of them that the caller is after. */
    public static List<String> takeHits(Predicate<String> wanted) {
        List<String> taken = new ArrayList<>();
        HITS.removeIf(hit -> wanted.test(hit) && taken.add(hit));
        return taken;
    }
}
