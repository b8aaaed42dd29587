package io.tokenswap.callback;

import io.netty.handler.codec.http.HttpResponseStatus;
import io.tokenswap.AuthorizationRequest;
import io.tokenswap.AuthorizationResponse;
import io.tokenswap.AuthorizationResponse.Granted;
import io.tokenswap.RedirectParameters;
import io.tokenswap.callback.CallbackPage.Outcome;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.core.scheduler.Scheduler;
import reactor.util.Logger;
import reactor.util.Loggers;

/**
 * One login: waits for its authorization response, then for the outcome of the swap.
 *
 * <pre>
 *  redirect     |-- received --------------- outcome --> page
 *  the same again        |-------------------outcome --> page      (the swap knows neither of the two connections)
 *  after 3 s    |-- received ------------------------------ "go back to the application" ... outcome
 * </pre>
 *
 * <p>The first authorization response with the right state wins. There is no second response. The same redirect gets
 * the page of the outcome again. Another redirect with the right state gets the page of a used link.
 */
final class PendingLogin {

    private static final Logger log = Loggers.getLogger(PendingLogin.class);

    /** The longest time for which a page waits for the outcome. */
    static final Duration LONGEST_HOLD = Duration.ofSeconds(3);

    private static final Duration LONGEST_WRITE = Duration.ofSeconds(1);

    private static final int SHORTEST_CODE = 8;
    private static final int LONGEST_CODE = 7 * 1024;

    private record Received(AuthorizationResponse response, RedirectParameters parameters) {}

    private final AuthorizationRequest request;
    private final String path;
    private final CallbackPage page;
    private final Scheduler scheduler;
    private final Map<Outcome, PageResponse> pages = new ConcurrentHashMap<>();
    private final Map<Integer, PageResponse> refusals = new ConcurrentHashMap<>();
    private final AtomicReference<@Nullable Received> received = new AtomicReference<>();
    private final Consumer<? super AuthorizationResponse> onResponse;
    private final AtomicReference<Sinks.@Nullable One<Outcome>> outcome = new AtomicReference<>();
    private final List<Redirect> open = new CopyOnWriteArrayList<>();
    private volatile @Nullable String hint;

    /**
     * Creates a login.
     *
     * @param onResponse gets the authorization response, once, on the thread that received it
     */
    PendingLogin(
            AuthorizationRequest request,
            CallbackPage page,
            Scheduler scheduler,
            Consumer<? super AuthorizationResponse> onResponse) {
        this.request = request;
        this.path = request.redirectUri().getRawPath();
        this.page = page;
        this.scheduler = scheduler;
        this.onResponse = onResponse;
    }

    /** Names the login without its state. */
    @Override
    public String toString() {
        return "The login at " + request.redirectUri();
    }

    /** Returns the URI that the browser is sent to. */
    URI uri() {
        return request.uri();
    }

    String path() {
        return path;
    }

    /**
     * Returns a page, which is made only once: the application may need time for it, and any program can request it
     * many times.
     */
    PageResponse page(Outcome outcome) {
        PageResponse made = pages.get(outcome);
        if (made == null) {
            made = page.response(outcome);
            pages.put(outcome, made);
        }
        return made;
    }

    /** Returns the page of a request that the filter refused. Each page is made once too. */
    PageResponse refusal(HttpResponseStatus status) {
        PageResponse made = refusals.get(status.code());
        if (made == null) {
            made = page.refusal(status, request.redirectUri().getHost());
            refusals.put(status.code(), made);
        }
        return made;
    }

    boolean hasResponse() {
        return received.get() != null;
    }

    boolean isGranted() {
        Received first = received.get();
        return first != null && first.response instanceof Granted;
    }

    /** Takes the parameters of a redirect. Returns null if they are no response to this login. */
    @Nullable Redirect receive(RedirectParameters parameters) {
        AuthorizationResponse judged = request.validate(parameters);
        if (judged instanceof AuthorizationResponse.Ignored ignored) {
            log.debug("{} ignores a redirect: {}", this, ignored.reason());
            return null;
        }
        Received first = accept(judged, parameters);
        Redirect redirect = new Redirect(first.parameters.equals(parameters));
        open.add(redirect);
        return redirect;
    }

    /** Takes a line that the user pasted. Returns false if it is no response to this login. */
    boolean paste(String line, boolean codeAlone) {
        String text = line.strip();
        RedirectParameters parameters = RedirectParameters.parsePasted(text);
        AuthorizationResponse judged = codeAlone && isCode(text)
                ? new Granted(request.unsafeCodeWithoutState(text))
                : request.validate(parameters);
        if (judged instanceof AuthorizationResponse.Ignored) {
            return false;
        }
        accept(judged, parameters);
        return true;
    }

    /**
     * Returns true if a text may be a code. A mistaken input is short or has spaces, and a URL has a colon or a
     * question mark. Codes have none of these.
     */
    private static boolean isCode(String text) {
        if (text.length() < SHORTEST_CODE || text.length() > LONGEST_CODE) {
            return false;
        }
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c < '!' || c > '~' || c == ':' || c == '?' || c == '&') {
                return false;
            }
        }
        return true;
    }

    private Received accept(AuthorizationResponse judged, RedirectParameters parameters) {
        Received offered = new Received(judged, parameters);
        if (received.compareAndSet(null, offered)) {
            onResponse.accept(judged);
            return offered;
        }
        Received first = received.get();
        return first == null ? offered : first;
    }

    /** Returns the outcome. It is made when it is first needed, because a program starts with a login that has none. */
    private Sinks.One<Outcome> outcome() {
        Sinks.One<Outcome> made = outcome.get();
        if (made == null) {
            outcome.compareAndSet(null, Sinks.one());
            made = Objects.requireNonNull(outcome.get());
        }
        return made;
    }

    /** Reports the outcome, to the pages that wait for it and to those that are asked for later. */
    void end(Outcome known) {
        // Fails for all but the first outcome: a cancellation comes after the end too.
        if (outcome().tryEmitValue(known).isSuccess()) {
            log.debug("{} has ended: {}", this, known);
        }
    }

    /**
     * Completes when the browser has the page. The result of a login never depends on whether a page could be written.
     */
    Mono<Void> shown() {
        return Flux.fromIterable(open)
                .flatMap(redirect -> redirect.closed.asMono())
                .then()
                .timeout(LONGEST_WRITE, Mono.empty(), scheduler);
    }

    /** Notes what may keep the redirect from arriving, and what to do about it. */
    void hint(String problem) {
        hint = problem;
    }

    @Nullable String hint() {
        return hint;
    }

    /** A redirect to this login, on a connection that waits for its page. */
    final class Redirect {

        private final boolean same;
        private final Sinks.Empty<Void> closed = Sinks.empty();

        private Redirect(boolean same) {
            this.same = same;
        }

        /**
         * Returns the page of the outcome, or after three seconds the page that says that the application continues.
         */
        Mono<PageResponse> page() {
            return same
                    ? outcome()
                            .asMono()
                            .timeout(LONGEST_HOLD, Mono.just(Outcome.FINISHING), scheduler)
                            .map(PendingLogin.this::page)
                    : Mono.fromSupplier(() -> PendingLogin.this.page(Outcome.LINK_USED));
        }

        /** Reports that the connection is gone. */
        void closed() {
            open.remove(this);
            closed.tryEmitEmpty();
        }
    }
}
