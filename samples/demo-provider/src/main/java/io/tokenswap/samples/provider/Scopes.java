package io.tokenswap.samples.provider;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/** Scopes that Spotify documents, in the words of a consent page. */
final class Scopes {

    private static final Map<String, String> DESCRIPTIONS = descriptions();

    private Scopes() {}

    static Set<String> all() {
        return DESCRIPTIONS.keySet();
    }

    static String describe(String scope) {
        return DESCRIPTIONS.getOrDefault(scope, "Use “" + scope + "”");
    }

    private static Map<String, String> descriptions() {
        Map<String, String> all = new LinkedHashMap<>();
        all.put("user-read-private", "See your name, country and subscription");
        all.put("user-read-email", "See your e-mail address");
        all.put("user-library-read", "See what you saved to your library");
        all.put("user-library-modify", "Change your library");
        all.put("playlist-read-private", "See your private playlists");
        all.put("playlist-read-collaborative", "See the playlists you share");
        all.put("playlist-modify-private", "Change your private playlists");
        all.put("playlist-modify-public", "Change your public playlists");
        all.put("user-read-playback-state", "See what you play, and where");
        all.put("user-modify-playback-state", "Control what you play");
        all.put("user-read-currently-playing", "See what you are playing now");
        all.put("user-read-recently-played", "See what you played lately");
        all.put("user-read-playback-position", "See where you stopped in a podcast");
        all.put("user-top-read", "See your favourite artists and tracks");
        all.put("user-follow-read", "See whom you follow");
        all.put("user-follow-modify", "Change whom you follow");
        all.put("streaming", "Play music in your name");
        all.put("app-remote-control", "Talk to the player on your device");
        all.put("ugc-image-upload", "Upload images");
        return all;
    }
}
