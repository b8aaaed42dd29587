package io.tokenswap.samples.exchange.config;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;

/**
 * Finds unknown variables that are likely misspellings of known ones. A setting with a typo would be ignored, and
 * {@code REQUIRE_PCKE=true} would start a server without PKCE.
 */
final class NearNames {

    /** Variables that Kubernetes derives from the services of a namespace, whatever they are named. */
    private static final Pattern SERVICE_LINK =
            Pattern.compile(".+_SERVICE_HOST|.+_SERVICE_PORT(_.+)?|.+_PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?");

    private static final Pattern SERVICE_ADDRESS = Pattern.compile("(tcp|udp|sctp)://.*");

    /** Names by which other programs know what a setting of this one does. */
    private static final Map<String, String> OTHER_NAMES = Map.ofEntries(
            Map.entry("METRICS_PORT", "METRICS_HTTP_PORT"),
            Map.entry("LISTEN_ADDRESS", "BIND_ADDRESS"),
            Map.entry("BASE_URL", "PUBLIC_URL"),
            Map.entry("SPOTIFY_CLIENT_CALLBACK", "RETURN_URIS"),
            Map.entry("SPOTIFY_REDIRECT_URI", "RETURN_URIS"),
            Map.entry("REDIRECT_URIS", "RETURN_URIS"),
            Map.entry("ENCRYPTION_SECRET", "SEAL_KEYS"),
            Map.entry("CORS_ORIGINS", "ALLOWED_ORIGINS"),
            Map.entry("TLS_CERT", "TLS_CERTIFICATE"),
            Map.entry("TLS_KEY", "TLS_PRIVATE_KEY"));

    private NearNames() {}

    /** Returns one sentence for each unknown variable that is near a known one. */
    static List<String> problems(Map<String, String> variables, Set<String> known) {
        List<String> problems = new ArrayList<>();
        for (String name : new TreeSet<>(variables.keySet())) {
            if (known.contains(name) || isServiceLink(name, variables.getOrDefault(name, ""))) {
                continue;
            }
            String meant = OTHER_NAMES.get(name);
            if (meant == null) {
                meant = known.stream()
                        .filter(candidate -> isNear(name, candidate))
                        .min(Comparator.comparingInt(candidate -> distance(name, candidate)))
                        .orElse(null);
            }
            if (meant != null) {
                problems.add(name + " is not known: " + meant + "?");
            }
        }
        return problems;
    }

    private static boolean isServiceLink(String name, String value) {
        return SERVICE_LINK.matcher(name).matches()
                || (name.endsWith("_PORT") && SERVICE_ADDRESS.matcher(value).matches());
    }

    /** A third of the letters of a short name, and no more than two of a long one. */
    private static boolean isNear(String name, String candidate) {
        String plain = name.toUpperCase(Locale.ROOT).replace('-', '_');
        int allowed = candidate.length() < 6 ? 1 : 2;
        return plain.length() >= 4
                && Math.abs(plain.length() - candidate.length()) <= allowed
                && distance(plain, candidate) <= allowed
                // A number at the end is another variable of somebody else's rather than a typo.
                && !(plain.startsWith(candidate)
                        && plain.substring(candidate.length()).matches("_?[0-9]+"));
    }

    /** The edits that make one name of another: a letter more, less or different, or two neighbours swapped. */
    static int distance(String a, String b) {
        int[][] edits = new int[a.length() + 1][b.length() + 1];
        for (int i = 0; i <= a.length(); i++) {
            for (int j = 0; j <= b.length(); j++) {
                if (i == 0 || j == 0) {
                    edits[i][j] = i + j;
                    continue;
                }
                int different = a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1;
                edits[i][j] =
                        Math.min(Math.min(edits[i - 1][j] + 1, edits[i][j - 1] + 1), edits[i - 1][j - 1] + different);
                if (i > 1 && j > 1 && a.charAt(i - 1) == b.charAt(j - 2) && a.charAt(i - 2) == b.charAt(j - 1)) {
                    edits[i][j] = Math.min(edits[i][j], edits[i - 2][j - 2] + 1);
                }
            }
        }
        return edits[a.length()][b.length()];
    }
}
