package io.tokenswap.callback;

import io.tokenswap.AuthorizationRequest;
import io.tokenswap.AuthorizationResponse;
import io.tokenswap.callback.CallbackPage.Outcome;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import reactor.core.Scannable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/** One login that waits for its answer, or has had it. The first answer with the right state wins; there is no second. */
final class PendingLogin {

    private static final Duration LONGEST_WRITE = Duration.ofSeconds(1);

    private final AuthorizationRequest request;
    private final String path;
    private final CallbackPage page;
    private final Sinks.One<AuthorizationResponse> response = Sinks.one();
    private final Sinks.Empty<Void> pageWritten = Sinks.empty();

    PendingLogin(AuthorizationRequest request, String path, CallbackPage page) {
        this.request = request;
        this.path = path;
        this.page = page;
    }

    String path() {
        return path;
    }

    Answer page(Outcome outcome) {
        return page.answer(outcome);
    }

    /** The answer. */
    Mono<AuthorizationResponse> response() {
        return response.asMono();
    }

    /** Ends once the person has seen the page; but an answer never depends on whether a page could be written. */
    Mono<Void> shown() {
        return pageWritten.asMono().timeout(LONGEST_WRITE, Mono.empty());
    }

    /** Offers the query of a hit; null when it is not the answer to this login. */
    @Nullable Outcome offer(@Nullable String rawQuery) {
        AuthorizationResponse offered = request.validate(rawQuery);
        if (offered instanceof AuthorizationResponse.Ignored) {
            return null;
        }
        if (response.tryEmitValue(offered).isFailure()) {
            return Outcome.ALREADY_DONE;
        }
        return offered instanceof AuthorizationResponse.Granted ? Outcome.SIGNED_IN : Outcome.NOT_SIGNED_IN;
    }

    /** Offers the query of a redirect URL that the user took from the browser: the same check, and no page to write. */
    void paste(String url) {
        String line = url.strip();
        int fragment = line.indexOf('#');
        if (offer(HitRules.query(fragment < 0 ? line : line.substring(0, fragment))) != null) {
            pageWritten();
        }
    }

    boolean isAnswered() {
        return response.scanOrDefault(Scannable.Attr.TERMINATED, false);
    }

    void pageWritten() {
        // Fails for a reload, whose page nobody waits for.
        pageWritten.tryEmitEmpty();
    }
}
