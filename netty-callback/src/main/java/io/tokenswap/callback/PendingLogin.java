package io.tokenswap.callback;

import io.tokenswap.AuthorizationRequest;
import io.tokenswap.AuthorizationResponse;
import io.tokenswap.AuthorizationResponse.Granted;
import io.tokenswap.callback.CallbackPage.Outcome;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import reactor.core.Scannable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.core.scheduler.Scheduler;

/** One login that waits for its answer, or has had it. The first answer with the right state wins; there is no second. */
final class PendingLogin {

    private static final Duration LONGEST_WRITE = Duration.ofSeconds(1);

    /** What is typed by mistake is short or has spaces, and a URL has a colon or a question mark; codes of all kinds have neither. */
    private static final Pattern CODE = Pattern.compile("[!-~&&[^:?&]]{8,4096}");

    private final AuthorizationRequest request;
    private final String path;
    private final CallbackPage page;
    private final Map<Outcome, Answer> pages = new ConcurrentHashMap<>();
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

    /** Made once: a page may cost the application something, and anybody can ask for it any number of times. */
    Answer page(Outcome outcome) {
        Answer made = pages.get(outcome);
        if (made == null) {
            made = page.answer(outcome);
            pages.put(outcome, made);
        }
        return made;
    }

    /** The answer. */
    Mono<AuthorizationResponse> response() {
        return response.asMono();
    }

    /** Ends once the person has seen the page; but an answer never depends on whether a page could be written. */
    Mono<Void> shown(Scheduler scheduler) {
        return pageWritten.asMono().timeout(LONGEST_WRITE, Mono.empty(), scheduler);
    }

    /** Whether a query is an answer to this login, the first one or a repetition of it. */
    boolean isAnswer(@Nullable String rawQuery) {
        return !(request.validate(rawQuery) instanceof AuthorizationResponse.Ignored);
    }

    /** Offers the query of a hit; null when it is not the answer to this login. */
    @Nullable Outcome offer(@Nullable String rawQuery) {
        return offer(request.validate(rawQuery));
    }

    private @Nullable Outcome offer(AuthorizationResponse offered) {
        if (offered instanceof AuthorizationResponse.Ignored) {
            return null;
        }
        if (response.tryEmitValue(offered).isFailure()) {
            return Outcome.ALREADY_DONE;
        }
        return offered instanceof Granted ? Outcome.SIGNED_IN : Outcome.NOT_SIGNED_IN;
    }

    /** Offers what the user took from the browser: the same check, and no page to write. */
    void paste(String line, boolean codeAlone) {
        String text = line.strip();
        boolean code = codeAlone && CODE.matcher(text).matches();
        Outcome outcome = code ? offer(new Granted(request.unsafeCodeWithoutState(text))) : offer(query(text));
        if (outcome != null) {
            pageWritten();
        }
    }

    /** The query of a pasted URL, or of a piece of one. */
    private static @Nullable String query(String pasted) {
        int fragment = pasted.indexOf('#');
        String text = fragment < 0 ? pasted : pasted.substring(0, fragment);
        return text.contains("?") ? HitRules.query(text) : text;
    }

    boolean isAnswered() {
        return response.scanOrDefault(Scannable.Attr.TERMINATED, false);
    }

    void pageWritten() {
        // Fails for a reload, whose page nobody waits for.
        pageWritten.tryEmitEmpty();
    }
}
