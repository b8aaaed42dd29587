package io.tokenswap.samples.webflux;

import java.util.Locale;
import java.util.Set;

/** Names that every machine has for itself. */
final class Loopback {

    private static final Set<String> NAMES = Set.of("localhost", "127.0.0.1", "[::1]");

    private Loopback() {}

    static boolean isName(String host) {
        return NAMES.contains(host.toLowerCase(Locale.ROOT));
    }
}
