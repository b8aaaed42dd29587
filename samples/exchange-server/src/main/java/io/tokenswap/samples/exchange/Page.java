package io.tokenswap.samples.exchange;

import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * Page for a person, in the style of the page that the application shows at the end of a login. A page loads nothing, runs
 * no script and repeats nothing of the request.
 */
final class Page {

    private static final String STYLE = """
            :root { color-scheme: light dark; --back: #f4f5f7; --card: #fff; --line: #e3e6ea; --text: #14181f; --soft: #566070; --mark: #4b5565; --halo: #eceff3; --act: #1b5fd9 }
            .good { --mark: #12854a; --halo: #e2f5ea }
            .bad { --mark: #b4530a; --halo: #fdeedd }
            @media (prefers-color-scheme: dark) {
              :root { --back: #101318; --card: #191d24; --line: #2a303a; --text: #f1f3f6; --soft: #a7b0be; --mark: #b3bccb; --halo: #262c36; --act: #2f6fe0 }
              .good { --mark: #56d391; --halo: #15342a }
              .bad { --mark: #f5a65b; --halo: #3a2a1a }
            }
            * { box-sizing: border-box; margin: 0 }
            body { min-height: 100vh; min-height: 100dvh; display: grid; place-items: center; padding: 24px; background: var(--back); color: var(--text);
              font: 17px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif; -webkit-font-smoothing: antialiased }
            main { width: 100%; max-width: 440px; padding: 44px 40px 40px; text-align: center; overflow-wrap: anywhere; background: var(--card); border: 1px solid var(--line);
              border-radius: 20px; box-shadow: 0 1px 2px rgb(0 0 0 / 4%), 0 16px 40px rgb(0 0 0 / 7%) }
            svg { display: block; width: 72px; height: 72px; margin: 0 auto 26px; border-radius: 50%; background: var(--halo); fill: none; stroke: var(--mark);
              stroke-width: 2; stroke-linecap: round; stroke-linejoin: round }
            h1 { font-size: 25px; line-height: 1.25; font-weight: 650; letter-spacing: -.015em; text-wrap: balance }
            h1 ~ p { margin-top: 12px; color: var(--soft); text-wrap: balance }
            h1 ~ p:last-child { color: var(--text) }
            .act { display: inline-block; margin-top: 6px; padding: 12px 28px; border-radius: 12px; background: var(--act); color: #fff; font-weight: 600; text-decoration: none }
            @media (max-width: 420px) { main { padding: 36px 24px 32px } h1 { font-size: 22px } }
            """;

    private static final int LONGEST_UNBROKEN = 20;

    private static final Map<String, String> HEADERS = headers();

    private Page() {}

    /** A login that cannot continue. The person begins again in the application. */
    static ServerResponse stopped(ErrorResponse error) {
        return render(
                        error.status,
                        "bad",
                        "M13 13l10 10M23 13l-10 10",
                        "Sign-in stopped",
                        "This sign-in cannot continue",
                        List.of(
                                paragraph(error.description() + "."),
                                paragraph("Go back to the application and sign in again.")))
                .with(error.headers);
    }

    /** Returns the page of a login that would end on another machine. The person sees the destination, and may stop. */
    static ServerResponse confirm(URI destination, String providerUrl) {
        String host = breakable(escape(destination.getRawAuthority()));
        return render(
                200,
                "neutral",
                "M18 10.5v9.5M18 24.8v.2",
                "Sign in to " + escape(destination.getRawAuthority()) + "?",
                "Sign in to " + host + "?",
                List.of(
                        "<p>The result of this sign-in goes to another server: " + destination.getScheme() + "://"
                                + host + ".</p>\n",
                        paragraph(
                                "Continue only if you have just started this sign-in there. If not, close this page."),
                        "<p><a class=\"act\" rel=\"noreferrer\" href=\"" + escape(providerUrl)
                                + "\">Continue</a></p>\n"));
    }

    /** The page for a person who opens the address of this server. */
    static ServerResponse running() {
        return render(
                200,
                "good",
                "M11.5 18.8l4.4 4.4 8.6-9.4",
                "Exchange server",
                "The exchange server is running",
                List.of(
                        paragraph("Applications use it to sign in. There is nothing to do here."),
                        paragraph("To sign in, start at the application.")));
    }

    private static ServerResponse render(
            int status, String style, String drawing, String title, String headline, List<String> paragraphs) {
        String html = """
                <!doctype html>
                <html lang="en">
                <head>
                <meta charset="utf-8">
                <meta name="viewport" content="width=device-width, initial-scale=1">
                <meta name="robots" content="noindex">
                <title>%s</title>
                <link rel="icon" href="data:,">
                <style>%s</style>
                </head>
                <body class="%s">
                <main>
                <svg viewBox="0 0 36 36" aria-hidden="true"><path d="%s"/></svg>
                <h1>%s</h1>
                %s</main>
                </body>
                </html>
                """.formatted(title, STYLE, style, drawing, headline, String.join("", paragraphs));
        return new ServerResponse(status, HEADERS, html.getBytes(StandardCharsets.UTF_8));
    }

    /** Lets a long name break between its labels and not within the one that names its owner. */
    private static String breakable(String host) {
        return host.length() > LONGEST_UNBROKEN ? host.replace(".", ".<wbr>") : host;
    }

    private static String paragraph(String text) {
        return "<p>" + escape(text) + "</p>\n";
    }

    private static String escape(String text) {
        return text.chars()
                .mapToObj(c -> switch (c) {
                    case '&' -> "&amp;";
                    case '<' -> "&lt;";
                    case '>' -> "&gt;";
                    case '"' -> "&quot;";
                    case '\'' -> "&#39;";
                    default -> Character.toString(c);
                })
                .collect(Collectors.joining());
    }

    private static Map<String, String> headers() {
        Map<String, String> headers = new LinkedHashMap<>();
        headers.put("Content-Type", "text/html; charset=utf-8");
        headers.put(
                "Content-Security-Policy",
                "default-src 'none'; img-src data:; style-src 'sha256-" + hash(STYLE)
                        + "'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
        headers.put("X-Frame-Options", "DENY");
        return headers;
    }

    private static String hash(String text) {
        try {
            return Base64.getEncoder()
                    .encodeToString(MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8)));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("Every Java platform has SHA-256", e);
        }
    }
}
