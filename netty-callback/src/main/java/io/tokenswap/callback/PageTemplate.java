package io.tokenswap.callback;

import io.tokenswap.callback.CallbackPage.Outcome;
import io.tokenswap.callback.CallbackPage.Text;
import io.tokenswap.internal.Sha256;
import java.util.Base64;
import org.jspecify.annotations.Nullable;

/**
 * Template of the built-in page. Style and script are constants, so the policy can name them by their hashes. It allows
 * nothing else but the empty icon. Without the icon a browser requests {@code /favicon.ico}, and Firefox reports that
 * the policy forbids it.
 */
final class PageTemplate {

    private static final String STYLE = """
            :root { color-scheme: light dark; --back: #f4f5f7; --card: #fff; --line: #e3e6ea; --text: #14181f; --soft: #566070; --mark: #4b5565; --halo: #eceff3 }
            .signed-in { --mark: #12854a; --halo: #e2f5ea }
            .not-signed-in { --mark: #b4530a; --halo: #fdeedd }
            @media (prefers-color-scheme: dark) {
              :root { --back: #101318; --card: #191d24; --line: #2a303a; --text: #f1f3f6; --soft: #a7b0be; --mark: #b3bccb; --halo: #262c36 }
              .signed-in { --mark: #56d391; --halo: #15342a }
              .not-signed-in { --mark: #f5a65b; --halo: #3a2a1a }
            }
            * { box-sizing: border-box; margin: 0 }
            body { min-height: 100vh; min-height: 100dvh; display: grid; place-items: center; padding: 24px; background: var(--back); color: var(--text);
              font: 17px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif; -webkit-font-smoothing: antialiased }
            main { width: 100%; max-width: 440px; padding: 44px 40px 40px; text-align: center; overflow-wrap: anywhere; background: var(--card); border: 1px solid var(--line);
              border-radius: 20px; box-shadow: 0 1px 2px rgb(0 0 0 / 4%), 0 16px 40px rgb(0 0 0 / 7%) }
            svg { display: block; width: 72px; height: 72px; margin: 0 auto 26px; border-radius: 50%; background: var(--halo); fill: none; stroke: var(--mark);
              stroke-width: 2; stroke-linecap: round; stroke-linejoin: round }
            h1 { font-size: 25px; line-height: 1.25; font-weight: 650; letter-spacing: -.015em; text-wrap: balance }
            .app { margin-bottom: 6px; color: var(--soft); font-size: 14px; font-weight: 600; letter-spacing: .01em }
            h1 ~ p { margin-top: 12px; color: var(--soft); text-wrap: balance }
            h1 ~ p:last-child { color: var(--text) }
            @media (max-width: 420px) { main { padding: 36px 24px 32px } }
            @media (prefers-reduced-motion: no-preference) {
              .signed-in path { stroke-dasharray: 24; animation: draw .45s .1s ease-out backwards }
              @keyframes draw { from { stroke-dashoffset: 24 } }
            }
            """;

    /** A browser lets a script close a tab only if a script opened it, or if nothing lies behind it in its history. */
    private static final String SCRIPT = """
            history.replaceState(null, '', location.pathname);
            if (document.body.className === 'signed-in') setTimeout(function () { window.close(); }, 1500);
            """;

    /** Appearance of a page. */
    enum Look {
        SIGNED_IN("signed-in", "M11.5 18.8l4.4 4.4 8.6-9.4"),
        NOT_SIGNED_IN("not-signed-in", "M13 13l10 10M23 13l-10 10"),
        FINISHING("neutral", "M11.4 18h.2M17.9 18h.2M24.4 18h.2"),
        NEUTRAL("neutral", "M18 10.5v9.5M18 24.8v.2"),
        /** Keeps its address, because the page asks the user to reload it. */
        RELOADABLE("not-signed-in", "M18 10.5v9.5M18 24.8v.2");

        private final String styleClass;
        private final String drawing;

        Look(String styleClass, String drawing) {
            this.styleClass = styleClass;
            this.drawing = drawing;
        }

        static Look of(Outcome outcome) {
            return switch (outcome) {
                case SIGNED_IN -> SIGNED_IN;
                case DENIED, FAILED -> NOT_SIGNED_IN;
                case FINISHING -> FINISHING;
                case INVALID_LINK, LINK_USED -> NEUTRAL;
            };
        }
    }

    static final String SECURITY_POLICY = "default-src 'none'; img-src data:; style-src '" + hash(STYLE)
            + "'; script-src '" + hash(SCRIPT) + "'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    private PageTemplate() {}

    static String render(Look look, String language, @Nullable String application, Text text) {
        StringBuilder paragraphs = new StringBuilder();
        text.message()
                .lines()
                .forEach(line -> paragraphs.append("<p>").append(escape(line)).append("</p>\n"));
        String name = application == null ? "" : "<p class=\"app\">" + escape(application) + "</p>\n";
        String title = escape(text.headline()) + (application == null ? "" : " \u00b7 " + escape(application));
        return """
            <!doctype html>
            <html lang="%s">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="robots" content="noindex">
            <title>%s</title>
            <link rel="icon" href="data:,">
            <style>%s</style>
            </head>
            <body class="%s">
            <main dir="auto">
            <svg viewBox="0 0 36 36" aria-hidden="true"><path d="%s"/></svg>
            %s<h1>%s</h1>
            %s</main>
            %s</body>
            </html>
            """.formatted(
                        escape(language),
                        title,
                        STYLE,
                        look.styleClass,
                        look.drawing,
                        name,
                        escape(text.headline()),
                        paragraphs,
                        look == Look.RELOADABLE ? "" : "<script>" + SCRIPT + "</script>\n");
    }

    /** Escapes for text and for quoted attributes alike. */
    private static String escape(String text) {
        StringBuilder escaped = new StringBuilder(text.length() + 16);
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            switch (c) {
                case '&' -> escaped.append("&amp;");
                case '<' -> escaped.append("&lt;");
                case '>' -> escaped.append("&gt;");
                case '"' -> escaped.append("&quot;");
                case '\'' -> escaped.append("&#39;");
                default -> escaped.append(c);
            }
        }
        return escaped.toString();
    }

    private static String hash(String content) {
        return "sha256-" + Base64.getEncoder().encodeToString(Sha256.of(content));
    }
}
