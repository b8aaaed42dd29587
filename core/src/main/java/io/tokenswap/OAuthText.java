package io.tokenswap;

import org.jspecify.annotations.Nullable;

/** Reduces what a stranger wrote to what RFC 6749 allows it to be, so that it can stand in a message, a log or a page. */
final class OAuthText {

    private static final int LONGEST = 256;

    private OAuthText() {}

    /**
     * An error code, or {@code invalid_error} for one that uses characters that no error code may have.
     *
     * @see <a href="https://www.rfc-editor.org/rfc/rfc6749#appendix-A.7">RFC 6749 appendix A.7</a>
     */
    static String error(String error) {
        boolean legal =
                !error.isEmpty() && error.length() <= LONGEST && error.chars().allMatch(OAuthText::isLegal);
        return legal ? error : "invalid_error";
    }

    /**
     * A description without the characters that it may not have, cut to 256; null when nothing is left.
     *
     * @see <a href="https://www.rfc-editor.org/rfc/rfc6749#appendix-A.8">RFC 6749 appendix A.8</a>
     */
    static @Nullable String description(@Nullable String description) {
        if (description == null) {
            return null;
        }
        StringBuilder kept = new StringBuilder();
        description.chars().filter(OAuthText::isLegal).limit(LONGEST).forEach(c -> kept.append((char) c));
        return kept.isEmpty() ? null : kept.toString();
    }

    private static boolean isLegal(int c) {
        return c >= 0x20 && c <= 0x7E && c != '"' && c != '\\';
    }
}
