package io.tokenswap;

import org.jspecify.annotations.Nullable;

/**
 * Reduces untrusted text to the characters that RFC 6749 allows, so that the text can stand in a message, a log or a
 * page.
 */
final class OAuthText {

    private static final int LONGEST = 256;

    private OAuthText() {}

    /**
     * Returns an error code, or {@code invalid_error} if it contains characters that no error code may have.
     *
     * @see <a href="https://www.rfc-editor.org/rfc/rfc6749#appendix-A.7">RFC 6749 appendix A.7</a>
     */
    static String error(String error) {
        boolean legal =
                !error.isEmpty() && error.length() <= LONGEST && error.chars().allMatch(OAuthText::isLegal);
        return legal ? error : "invalid_error";
    }

    /**
     * Returns a description without the characters that it must not have, cut to 256; null if nothing is left.
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
