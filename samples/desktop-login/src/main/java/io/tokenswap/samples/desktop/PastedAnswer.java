package io.tokenswap.samples.desktop;

import io.netty.handler.codec.http.QueryStringDecoder;
import java.net.URI;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;

/**
 * Tells a person who pastes something else than the answer, which the library ignores, that this was not it. What is the answer
 * the library decides.
 */
final class PastedAnswer {

    private final Flux<String> lines;
    private final Reporter reporter;
    private volatile @Nullable String state;

    PastedAnswer(Flux<String> lines, Reporter reporter) {
        this.lines = lines;
        this.reporter = reporter;
    }

    /** The login that waits from now on. */
    void expect(URI authorizeUri) {
        state = state(authorizeUri.toString());
    }

    /** Every line that was pasted, for the receiver to judge. */
    Flux<String> lines() {
        return lines.doOnNext(line -> {
            if (!line.isEmpty() && !state(line).equals(state)) {
                reporter.note(
                        "That is not the answer to this sign-in: paste the whole address at which the browser ended.");
            }
        });
    }

    private static String state(String url) {
        Map<String, List<String>> query;
        try {
            query = new QueryStringDecoder(url).parameters();
        } catch (IllegalArgumentException malformed) {
            return "";
        }
        return query.getOrDefault("state", List.of("")).get(0);
    }
}
