package io.tokenswap.spring;

import io.tokenswap.internal.Sha256;
import java.util.Base64;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.util.HtmlUtils;

/** A problem as a page: one file without scripts and outside resources, light or dark as the system is. */
final class ProblemPage {

    private static final String STYLE = """
            :root { color-scheme: light dark; --back: #f4f5f7; --card: #fff; --line: #e3e6ea; --text: #14181f; --soft: #566070;
              --accent: #4747c2; --on-accent: #fff }
            @media (prefers-color-scheme: dark) {
              :root { --back: #101318; --card: #191d24; --line: #2a303a; --text: #f1f3f6; --soft: #a7b0be; --accent: #a9a9ff; --on-accent: #14142b }
            }
            * { box-sizing: border-box; margin: 0 }
            body { min-height: 100vh; min-height: 100dvh; display: grid; place-items: center; padding: 24px; background: var(--back);
              color: var(--text); font: 17px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif }
            main { width: 100%; max-width: 480px; padding: 40px; overflow-wrap: anywhere; background: var(--card);
              border: 1px solid var(--line); border-radius: 20px; box-shadow: 0 1px 2px rgb(0 0 0 / 4%), 0 16px 40px rgb(0 0 0 / 7%) }
            .status { color: var(--soft); font-size: 14px; font-weight: 600 }
            h1 { margin: 4px 0 12px; font-size: 25px; line-height: 1.25; font-weight: 650; letter-spacing: -.015em; text-wrap: balance }
            p { color: var(--soft) }
            nav { margin-top: 28px; display: flex; flex-wrap: wrap; gap: 12px }
            a { padding: 9px 20px; border: 1px solid var(--line); border-radius: 10px; color: var(--text); font-weight: 600; text-decoration: none }
            a:first-child { background: var(--accent); border-color: transparent; color: var(--on-accent) }
            a:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px }
            @media (max-width: 420px) { main { padding: 28px 24px } }
            """;

    private static final String SECURITY_POLICY = "default-src 'none'; img-src data:; style-src '" + hash(STYLE)
            + "'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    private ProblemPage() {}

    /** A response for a page. */
    static ResponseEntity.BodyBuilder response(HttpStatus status) {
        return ResponseEntity.status(status)
                .contentType(MediaType.TEXT_HTML)
                .header("Content-Security-Policy", SECURITY_POLICY)
                .header("X-Content-Type-Options", "nosniff")
                .header("Referrer-Policy", "no-referrer")
                .header(HttpHeaders.CACHE_CONTROL, "no-store");
    }

    static String of(Problem problem, TokenSwapProperties.Web paths) {
        return page(problem, link(paths.loginPath(), "Sign in") + link(paths.homePath(), "Home"));
    }

    /** The page of a failure after which the same request may succeed. */
    static String repeatable(Problem problem, TokenSwapProperties.Web paths) {
        return page(problem, link("", "Try again") + link(paths.homePath(), "Home"));
    }

    private static String page(Problem problem, String links) {
        return """
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="robots" content="noindex">
            <title>%1$s</title>
            <link rel="icon" href="data:,">
            <style>%2$s</style>
            </head>
            <body>
            <main>
            <p class="status">%3$d</p>
            <h1>%1$s</h1>
            <p>%4$s</p>
            <nav>%5$s</nav>
            </main>
            </body>
            </html>
            """.formatted(escape(problem.title()), STYLE, problem.status().value(), escape(problem.text()), links);
    }

    private static String link(String target, String text) {
        return "<a href=\"" + escape(target) + "\">" + text + "</a>";
    }

    private static String escape(String text) {
        return HtmlUtils.htmlEscape(text, "UTF-8");
    }

    private static String hash(String content) {
        return "sha256-" + Base64.getEncoder().encodeToString(Sha256.of(content));
    }
}
