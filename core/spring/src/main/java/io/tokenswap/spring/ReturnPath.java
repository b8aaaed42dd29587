package io.tokenswap.spring;

import java.net.URI;
import java.net.URISyntaxException;
import org.jspecify.annotations.Nullable;

/**
 * Page of this service that the browser returns to after a sign-in. Nothing else is accepted, so that no link leads
 * elsewhere.
 */
final class ReturnPath {

    /** Four sign-ins with their pages fit into the 8 KiB that a server reads of the headers. */
    private static final int LONGEST = 512;

    private ReturnPath() {}

    /** Returns the path if the browser may be sent there, otherwise null. */
    static @Nullable String accepted(@Nullable String path) {
        return path != null && path.length() <= LONGEST && isPath(path) ? path : null;
    }

    /**
     * Returns true if a text is a path with or without a query, and nothing else to any browser: no scheme, no host,
     * no {@code //}, no backslash (browsers read it as a slash), no control character (browsers drop them), nothing
     * that a header cannot hold or that no URI has, for example a percent sign without digits.
     */
    static boolean isPath(String path) {
        return path.startsWith("/")
                && !path.startsWith("//")
                && path.chars()
                        .allMatch(c -> c > ' ' && c <= '~' && c != '\\' && c != '"' && c != '<' && c != '>' && c != '#')
                && isPartOfUri(path);
    }

    private static boolean isPartOfUri(String path) {
        try {
            new URI("https://localhost" + path);
            return true;
        } catch (URISyntaxException malformed) {
            return false;
        }
    }
}
