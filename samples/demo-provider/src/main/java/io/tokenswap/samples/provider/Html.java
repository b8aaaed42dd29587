package io.tokenswap.samples.provider;

import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import org.springframework.web.util.HtmlUtils;

/** Frame around every page: one card, light or dark as the system is, nothing loaded from elsewhere. */
final class Html {

    private Html() {}

    /** Writes a page. The title is escaped here; the body must be escaped already. */
    static void write(HttpServletResponse response, int status, String title, String body) throws IOException {
        response.setStatus(status);
        response.setContentType("text/html;charset=utf-8");
        response.getWriter().write(frame(escape(title), body));
    }

    static String escape(String text) {
        return HtmlUtils.htmlEscape(text, "UTF-8");
    }

    private static String frame(String title, String body) {
        return """
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="referrer" content="no-referrer">
            <title>%1$s – Demo Provider</title>
            <link rel="icon" href="data:,">
            <style>
            :root { color-scheme: light dark; --page: #f2f4f7; --card: #fff; --text: #17202b; --soft: #566273;
              --line: #d9dfe7; --accent: #166f43; --on-accent: #fff; --badge: #fff1cc; --on-badge: #6b4a00; --bad: #a4262c; }
            @media (prefers-color-scheme: dark) { :root { --page: #10151b; --card: #1a212a; --text: #e8edf3;
              --soft: #a3afbd; --line: #333e4b; --accent: #4cc38a; --on-accent: #06230f; --badge: #46380f;
              --on-badge: #ffdf8a; --bad: #ff9a9a; } }
            * { box-sizing: border-box; }
            body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 24px 16px;
              background: var(--page); color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
            main { width: 100%%; max-width: 420px; padding: 32px; background: var(--card);
              border: 1px solid var(--line); border-radius: 14px; box-shadow: 0 8px 24px rgb(0 0 0 / .08); }
            header { display: flex; align-items: center; justify-content: space-between; gap: 12px;
              margin-bottom: 24px; color: var(--soft); font-weight: 600; }
            .badge { padding: 2px 10px; border-radius: 99px; background: var(--badge); color: var(--on-badge);
              font-size: 13px; }
            h1 { margin: 0 0 8px; font-size: 24px; line-height: 1.25; overflow-wrap: anywhere; }
            p { margin: 0 0 16px; color: var(--soft); }
            strong { color: var(--text); overflow-wrap: anywhere; }
            label { display: block; margin-bottom: 16px; font-size: 14px; font-weight: 600; }
            input { display: block; width: 100%%; margin-top: 6px; padding: 10px 12px; border: 1px solid var(--line);
              border-radius: 8px; background: var(--page); color: inherit; font: inherit;
                  font-weight: 400; font-size: 16px; }
            ul { margin: 0 0 16px; padding: 0; list-style: none; }
            li { padding: 10px 0; border-top: 1px solid var(--line); }
            li:last-child { border-bottom: 1px solid var(--line); }
            code { display: block; color: var(--soft); font-size: 13px; overflow-wrap: anywhere; }
            button { width: 100%%; margin-top: 8px; padding: 12px 16px; border: 1px solid transparent;
              border-radius: 99px; background: var(--accent); color: var(--on-accent); font: inherit;
              font-weight: 600; cursor: pointer; }
            button.quiet { background: none; border-color: var(--line); color: inherit; }
            button:hover { filter: brightness(1.08); }
            :focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
            .bad { color: var(--bad); font-weight: 600; }
            </style>
            </head>
            <body>
            <main>
            <header><span>Demo Provider</span><span class="badge">No real account</span></header>
            <h1>%1$s</h1>
            %2$s
            </main>
            </body>
            </html>
            """.formatted(title, body);
    }
}
