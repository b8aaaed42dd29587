package io.tokenswap.callback;

import io.netty.handler.codec.http.HttpResponseStatus;
import java.net.URI;
import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import reactor.util.Logger;
import reactor.util.Loggers;

/**
 * Page that the browser shows at the end of a login. It is one file without outside resources, light or dark as the
 * system is. It removes the code from the address bar, closes its tab where the browser allows it, and says what to do
 * next. It works without scripting, and never shows a part of the request.
 *
 * <pre>{@code
 * CallbackPage page = CallbackPage.create()
 *     .application("Night Radio")
 *     .text(CallbackPage.Outcome.SIGNED_IN, "You are on air", "Go back to Night Radio; the music has started.");
 * }</pre>
 *
 * <p>Immutable and safe for use by any thread: each method returns a changed copy.
 */
public final class CallbackPage {

    /** The outcome that a page reports. */
    public enum Outcome {
        /** The user signed in, and the code was swapped. */
        SIGNED_IN,
        /** The user denied the sign-in, or the provider did on the user's behalf. */
        DENIED,
        /** The sign-in ended with an error: of the provider, of the redirect or of the swap. */
        FAILED,
        /**
         * The code has arrived, and the application continues without the browser: the outcome of the swap is not known
         * yet, or not here.
         */
        FINISHING,
        /** The request has no state of a waiting login: an old tab, a bookmark, or an attack. */
        INVALID_LINK,
        /** The login had ended before this request: a reload. */
        LINK_USED
    }

    /** The words of one page. */
    record Text(String headline, String message) {}

    private record Options(
            @Nullable String application,
            String language,
            Map<Outcome, Text> texts,
            @Nullable URI successUri,
            @Nullable Function<? super Outcome, String> unsafeHtml) {

        Options with(Consumer<Draft> change) {
            Draft draft = new Draft(this);
            change.accept(draft);
            return new Options(draft.application, draft.language, draft.texts, draft.successUri, draft.unsafeHtml);
        }
    }

    /** Options that are being changed. */
    private static final class Draft {

        @Nullable String application;

        String language;
        Map<Outcome, Text> texts;

        @Nullable URI successUri;

        @Nullable Function<? super Outcome, String> unsafeHtml;

        Draft(Options from) {
            application = from.application;
            language = from.language;
            texts = from.texts;
            successUri = from.successUri;
            unsafeHtml = from.unsafeHtml;
        }
    }

    private static final Logger log = Loggers.getLogger(CallbackPage.class);
    private static final CallbackPage DEFAULT = new CallbackPage(new Options(null, "en", Map.of(), null, null));

    private final Options options;

    private CallbackPage(Options options) {
        this.options = options;
    }

    private CallbackPage with(Consumer<Draft> change) {
        return new CallbackPage(options.with(change));
    }

    /**
     * Creates the built-in page, in English.
     *
     * @return the page
     */
    public static CallbackPage create() {
        return DEFAULT;
    }

    /**
     * Names the application that the user should go back to.
     *
     * @param name the name, shown escaped; none by default, then the pages say "the application"
     * @return a changed copy
     */
    public CallbackPage application(String name) {
        Objects.requireNonNull(name, "name");
        return with(draft -> draft.application = name);
    }

    /**
     * Declares the language of the texts.
     *
     * @param language a language tag, {@code en} by default
     * @return a changed copy
     */
    public CallbackPage language(String language) {
        Objects.requireNonNull(language, "language");
        return with(draft -> draft.language = language);
    }

    /**
     * Replaces the text of one page.
     *
     * @param outcome the outcome that the page reports
     * @param headline the headline and title, shown escaped
     * @param message what to do next, shown escaped; each line is a paragraph, and the last one stands out
     * @return a changed copy
     */
    public CallbackPage text(Outcome outcome, String headline, String message) {
        Map<Outcome, Text> changed = new EnumMap<>(Outcome.class);
        changed.putAll(options.texts);
        changed.put(outcome, new Text(headline, message));
        return with(draft -> draft.texts = changed);
    }

    /**
     * Redirects the browser after {@link Outcome#SIGNED_IN}, instead of showing a page. The address is fixed: nothing
     * of the request is added to it, and the browser is asked to send no referrer.
     *
     * @param successUri the address, {@code http} or {@code https}
     * @return a changed copy
     */
    public CallbackPage successUri(URI successUri) {
        if (!"https".equalsIgnoreCase(successUri.getScheme()) && !"http".equalsIgnoreCase(successUri.getScheme())) {
            throw new IllegalArgumentException("The success URI must be http or https: " + successUri);
        }
        return with(draft -> draft.successUri = successUri);
    }

    /**
     * Replaces the pages by HTML of the application. Dangerous: the HTML is sent unchanged and without the content
     * security policy of the built-in page. The application must then escape values, remove the code from the address
     * bar, and avoid outside resources, whose servers would learn of the login.
     *
     * @param html makes the page for an outcome, on an event loop, which it must not block; usually called once for
     *     each outcome of a login. If it fails, the built-in page is shown
     * @return a changed copy
     */
    public CallbackPage unsafeHtml(Function<? super Outcome, String> html) {
        Objects.requireNonNull(html, "html");
        return with(draft -> draft.unsafeHtml = html);
    }

    PageResponse response(Outcome outcome) {
        HttpResponseStatus status =
                outcome == Outcome.INVALID_LINK ? HttpResponseStatus.BAD_REQUEST : HttpResponseStatus.OK;
        if (outcome == Outcome.SIGNED_IN && options.successUri != null) {
            return PageResponse.redirect(options.successUri);
        }
        String html = options.unsafeHtml == null ? null : unsafeHtml(options.unsafeHtml, outcome);
        if (html != null) {
            return PageResponse.html(status, html, PageResponse.FRAMES_ONLY);
        }
        Text text = options.texts.get(outcome);
        return PageResponse.html(
                status,
                PageTemplate.render(
                        PageTemplate.Look.of(outcome),
                        options.language,
                        options.application,
                        text == null ? defaultText(outcome) : text),
                PageTemplate.SECURITY_POLICY);
    }

    /**
     * Returns the page of a request that is no redirect at all.
     *
     * @param host the host of the redirect URI of this login
     */
    PageResponse refusal(HttpResponseStatus status, String host) {
        PageTemplate.Look look = status.equals(HttpResponseStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
                ? PageTemplate.Look.RELOADABLE
                : PageTemplate.Look.NEUTRAL;
        return PageResponse.html(
                status,
                PageTemplate.render(look, "en", options.application, refusalText(status, host)),
                PageTemplate.SECURITY_POLICY);
    }

    private static @Nullable String unsafeHtml(Function<? super Outcome, String> pages, Outcome outcome) {
        try {
            return pages.apply(outcome);
        } catch (RuntimeException e) {
            log.warn("The application's own page for {} failed; the built-in page is shown", outcome, e);
            return null;
        }
    }

    private String applicationName() {
        return options.application == null ? "the application" : options.application;
    }

    private Text defaultText(Outcome outcome) {
        String where = applicationName();
        return switch (outcome) {
            case SIGNED_IN -> new Text("You are signed in", "You can close this tab and go back to " + where + ".");
            case DENIED ->
                new Text(
                        "You are not signed in",
                        "The sign-in was cancelled or refused, and nothing was shared.\nClose this tab, and go back to "
                                + where + " to try again.");
            case FAILED ->
                new Text(
                        "Sign-in failed",
                        "It could not be completed, and you are not signed in.\nClose this tab, and go back to " + where
                                + ", which says why.");
            case FINISHING ->
                new Text(
                        "Almost done",
                        "The browser has done its part.\nGo back to " + where + ", which finishes the sign-in.");
            case INVALID_LINK ->
                new Text(
                        "This link is not valid",
                        "No sign-in is waiting for it: it may have expired.\nClose this tab, and go back to " + where
                                + " to start again.");
            case LINK_USED ->
                new Text(
                        "This link was already used",
                        "Its sign-in has ended, and nothing is left to do here.\nYou can close this tab and go back to "
                                + where + ".");
        };
    }

    private Text refusalText(HttpResponseStatus status, String host) {
        String where = applicationName();
        return switch (status.code()) {
            case 404 ->
                new Text(
                        "There is no page here",
                        "Sign-ins arrive at another address.\nClose this tab, and go back to " + where + ".");
            case 414 ->
                new Text(
                        "The address is too long",
                        "It has more than 8 KiB, and no sign-in is known to need that.\nClose this tab, and go back to "
                                + where + " to start again.");
            case 431 ->
                new Text(
                        "There are too many cookies",
                        "Programs on this computer have left more than 32 KiB of cookies for " + host
                                + ", too many to read. Your sign-in still waits.\nClear the cookies of " + host
                                + " and reload this page, or start again in a private window.");
            default ->
                new Text(
                        "This request was refused",
                        "Only a browser that comes back from a sign-in is served here (" + status.code()
                                + ").\nClose this tab, and go back to " + where + ".");
        };
    }
}
