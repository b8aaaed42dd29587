package io.tokenswap.callback;

import io.netty.handler.codec.http.DefaultHttpHeaders;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.tokenswap.callback.CallbackPage.Outcome;
import java.net.URI;

/** One response, complete. Every one of them forbids what no response of ours ever needs: caching, framing, sniffing, referrers. */
record Answer(HttpResponseStatus status, HttpHeaders headers, String body) {

    static final String FRAMES_ONLY = "frame-ancestors 'none'";
    private static final String NOTHING = "default-src 'none'; " + FRAMES_ONLY;

    static Answer html(Outcome outcome, String html, String securityPolicy) {
        HttpResponseStatus status =
                outcome == Outcome.INVALID_LINK ? HttpResponseStatus.BAD_REQUEST : HttpResponseStatus.OK;
        HttpHeaders headers = headers(securityPolicy).set("Content-Type", "text/html; charset=utf-8");
        return new Answer(status, headers, html);
    }

    static Answer redirect(URI target) {
        HttpHeaders headers = headers(NOTHING).set("Location", target.toASCIIString());
        return new Answer(HttpResponseStatus.SEE_OTHER, headers, "");
    }

    /** For programs; no person gets here by following a login. */
    static Answer refusal(HttpResponseStatus status) {
        HttpHeaders headers = headers(NOTHING).set("Content-Type", "text/plain; charset=utf-8");
        if (HttpResponseStatus.METHOD_NOT_ALLOWED.equals(status)) {
            headers.set("Allow", "GET");
        }
        return new Answer(status, headers, status + "\n");
    }

    private static HttpHeaders headers(String securityPolicy) {
        return new DefaultHttpHeaders()
                .set("Cache-Control", "no-store")
                .set("Pragma", "no-cache")
                .set("Referrer-Policy", "no-referrer")
                .set("Content-Security-Policy", securityPolicy)
                .set("X-Content-Type-Options", "nosniff")
                .set("X-Frame-Options", "DENY")
                .set("Cross-Origin-Resource-Policy", "same-origin")
                .set("Connection", "close");
    }
}
