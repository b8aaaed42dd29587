package io.tokenswap.samples.desktop;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import reactor.core.publisher.Flux;
import reactor.core.scheduler.Scheduler;

/**
 * Lines that a person types or pastes. The program polls for input and does not block in a read: a read cannot be cancelled,
 * and a terminal stops a background program that reads from it.
 */
final class PastedLines {

    private static final Duration LOOK = Duration.ofMillis(200);
    private static final int LONGEST = 16 * 1024;

    private PastedLines() {}

    /** Returns the lines from now on, without white space around them. Never completes, not even at the end of the input. */
    static Flux<String> of(InputStream in, Scheduler mayBlock) {
        return Flux.defer(() -> {
            StringBuilder rest = new StringBuilder();
            return Flux.interval(LOOK, mayBlock).onBackpressureDrop().concatMapIterable(look -> arrived(in, rest), 1);
        });
    }

    private static List<String> arrived(InputStream in, StringBuilder rest) {
        List<String> lines = new ArrayList<>();
        try {
            // A URL is ASCII, so that no character is cut in two here.
            rest.append(new String(in.readNBytes(in.available()), StandardCharsets.ISO_8859_1));
        } catch (IOException closed) {
            return lines;
        }
        for (int end = rest.indexOf("\n"); end >= 0; end = rest.indexOf("\n")) {
            lines.add(rest.substring(0, end).strip());
            rest.delete(0, end + 1);
        }
        if (rest.length() > LONGEST) {
            rest.setLength(0);
        }
        return lines;
    }
}
