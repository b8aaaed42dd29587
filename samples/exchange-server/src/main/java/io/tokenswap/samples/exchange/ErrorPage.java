package io.tokenswap.samples.exchange;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.Map;

/** What a person sees whose login cannot go on. It repeats nothing of the request and loads nothing. */
final class ErrorPage {

    private static final String STYLE =
            "body{font:1.1em/1.5 system-ui,sans-serif;max-width:34em;margin:15vh auto;padding:0 1em;color:#222;background:#fafafa}"
                    + "h1{font-size:1.4em}@media(prefers-color-scheme:dark){body{color:#ddd;background:#181818}}";

    private static final Map<String, String> HEADERS = Map.of(
            "Content-Type",
            "text/html; charset=utf-8",
            "Content-Security-Policy",
            "default-src 'none'; style-src 'sha256-" + hash(STYLE)
                    + "'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
            "X-Frame-Options",
            "DENY");

    private ErrorPage() {}

    static ServerResponse of(ErrorResponse refusal) {
        return new ServerResponse(refusal.status, HEADERS, """
                <!DOCTYPE html>
                <html lang="en">
                <head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Sign-in stopped</title><style>%s</style></head>
                <body><h1>This sign-in cannot go on</h1><p>%s.</p><p>Go back to the application and sign in again.</p></body>
                </html>
                """.formatted(STYLE, refusal.description())
                .getBytes(StandardCharsets.UTF_8));
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
