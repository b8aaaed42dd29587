package io.tokenswap.samples.webflux;

import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.util.HtmlUtils;

/** Page of a problem, with its remedy. */
final class ProblemPage {

    private ProblemPage() {}

    static ResponseEntity<String> of(Problem problem) {
        return ResponseEntity.status(problem.status())
                .contentType(MediaType.TEXT_HTML)
                .body("""
                <!doctype html>
                <html lang="en">
                <head>
                <meta charset="utf-8">
                <meta name="viewport" content="width=device-width, initial-scale=1">
                <title>%1$s</title>
                <link rel="icon" href="/icon.svg">
                <link rel="stylesheet" href="/app.css">
                </head>
                <body class="problem">
                <main class="card">
                <p class="status">%3$d</p>
                <h1>%1$s</h1>
                <p>%2$s</p>
                <p class="actions"><a class="button" href="/login">Sign in</a> <a class="quiet button" href="/">Home</a></p>
                </main>
                </body>
                </html>
                """.formatted(
                                HtmlUtils.htmlEscape(problem.title(), "UTF-8"),
                                HtmlUtils.htmlEscape(problem.text(), "UTF-8"),
                                problem.status().value()));
    }
}
