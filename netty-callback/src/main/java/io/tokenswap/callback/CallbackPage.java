package io.tokenswap.callback;

import java.net.URI;
import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import reactor.util.Logger;
import reactor.util.Loggers;

/**
 * What the person sees in the browser when the login is over: one page without outside resources, light or dark as the system
 * is, that takes the code out of the address bar, closes its tab where the browser allows it, and says what to do next. It works
 * without scripting too. Nothing that came with the request is ever shown.
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

    /** What a page reports. */
    public enum Outcome {
        /** The user signed in. */
        SIGNED_IN,
        /** The user denied it, or the provider ended it. */
        NOT_SIGNED_IN,
        /** The request carries the state of no login that waits: an old tab, a bookmark, or somebody else's doing. */
        INVALID_LINK,
        /** The login was over before this request: a reload. */
        ALREADY_DONE
    }

    /** What one page says. */
    record Text(String headline, String message) {}

    private static final Logger log = Loggers.getLogger(CallbackPage.class);
    private static final CallbackPage DEFAULT = new CallbackPage(null, "en", Map.of(), null, null);

    private final @Nullable String application;
    private final String language;
    private final Map<Outcome, Text> texts;
    private final @Nullable URI successUri;
    private final @Nullable Function<? super Outcome, String> unsafeHtml;

    private CallbackPage(
            @Nullable String application,
            String language,
            Map<Outcome, Text> texts,
            @Nullable URI successUri,
            @Nullable Function<? super Outcome, String> unsafeHtml) {
        this.application = application;
        this.language = language;
        this.texts = texts;
        this.successUri = successUri;
        this.unsafeHtml = unsafeHtml;
    }

    /**
     * The page as it is by default, in English.
     *
     * @return the page
     */
    public static CallbackPage create() {
        return DEFAULT;
    }

    /**
     * Names the application to which the person should go back.
     *
     * @param name its name, shown escaped; none by default, then the pages say "the application"
     * @return a changed copy
     */
    public CallbackPage application(String name) {
        return new CallbackPage(Objects.requireNonNull(name, "name"), language, texts, successUri, unsafeHtml);
    }

    /**
     * Declares the language of the texts.
     *
     * @param language a language tag, {@code en} by default
     * @return a changed copy
     */
    public CallbackPage language(String language) {
        return new CallbackPage(
                application, Objects.requireNonNull(language, "language"), texts, successUri, unsafeHtml);
    }

    /**
     * Says something else.
     *
     * @param outcome which page
     * @param headline its headline and title, shown escaped
     * @param message what to do next, shown escaped; each line is a paragraph, and the last one stands out
     * @return a changed copy
     */
    public CallbackPage text(Outcome outcome, String headline, String message) {
        Map<Outcome, Text> changed = new EnumMap<>(Outcome.class);
        changed.putAll(texts);
        changed.put(outcome, new Text(headline, message));
        return new CallbackPage(application, language, changed, successUri, unsafeHtml);
    }

    /**
     * Sends the browser on after a sign-in that succeeded, instead of showing a page. The address is fixed: nothing of the
     * request is added to it, and the browser is told to send no referrer.
     *
     * @param successUri where to, {@code http} or {@code https}
     * @return a changed copy
     */
    public CallbackPage successUri(URI successUri) {
        if (!"https".equalsIgnoreCase(successUri.getScheme()) && !"http".equalsIgnoreCase(successUri.getScheme())) {
            throw new IllegalArgumentException("The success URI must be http or https: " + successUri);
        }
        return new CallbackPage(application, language, texts, successUri, unsafeHtml);
    }

    /**
     * Replaces the pages by HTML of the application's own. Dangerous: it is sent as it is and without the content security
     * policy of the built-in page, so that escaping, outside resources, which learn that the login took place, and taking the
     * code out of the address bar are all up to the application.
     *
     * @param html makes the page for an outcome, on an event loop, which it must not block. Asked once for each outcome of a login,
     *     as a rule: the page is shown again to whoever asks again. When it fails, the built-in page is shown
     * @return a changed copy
     */
    public CallbackPage unsafeHtml(Function<? super Outcome, String> html) {
        return new CallbackPage(application, language, texts, successUri, Objects.requireNonNull(html, "html"));
    }

    Answer answer(Outcome outcome) {
        if (outcome == Outcome.SIGNED_IN && successUri != null) {
            return Answer.redirect(successUri);
        }
        String html = unsafeHtml == null ? null : unsafeHtml(unsafeHtml, outcome);
        if (html != null) {
            return Answer.html(outcome, html, Answer.FRAMES_ONLY);
        }
        Text text = texts.getOrDefault(outcome, defaultText(outcome));
        return Answer.html(
                outcome, PageTemplate.render(outcome, language, application, text), PageTemplate.SECURITY_POLICY);
    }

    private static @Nullable String unsafeHtml(Function<? super Outcome, String> pages, Outcome outcome) {
        try {
            return pages.apply(outcome);
        } catch (RuntimeException e) {
            log.warn("The application's own page for {} failed; the built-in one is shown", outcome, e);
            return null;
        }
    }

    private Text defaultText(Outcome outcome) {
        String where = application == null ? "the application" : application;
        return switch (outcome) {
            case SIGNED_IN -> new Text("You are signed in", "You can close this tab and go back to " + where + ".");
            case NOT_SIGNED_IN -> new Text("You are not signed in", """
                    The sign-in was cancelled or refused, and nothing was shared.
                    Close this tab, and go back to %s to try again.""".formatted(where));
            case INVALID_LINK -> new Text("This link is not valid", """
                    Nothing is waiting for it any more.
                    Close this tab, and go back to %s to start again.""".formatted(where));
            case ALREADY_DONE -> new Text("This sign-in is already complete", """
                    Your answer has arrived, and nothing is left to do here.
                    You can close this tab and go back to %s.""".formatted(where));
        };
    }
}
