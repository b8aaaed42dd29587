package io.tokenswap.samples.exchange;

import io.tokenswap.internal.UrlEncoded;
import java.time.InstantSource;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import reactor.netty.http.server.HttpServerRequest;

/**
 * The second hop of the browser: from the provider back to the application, with the code or the provider's error. Where to is
 * read from the sealed state alone.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2">RFC 6749 section 4.1.2</a>
 */
final class CallbackRoute {

    private static final Pattern CODE = Pattern.compile("[\\x20-\\x7E]{1,4096}");
    private static final Pattern ERROR = Pattern.compile("[\\x20\\x21\\x23-\\x5B\\x5D-\\x7E]{1,256}");

    private final PublicUrl publicUrl;
    private final Seal seal;
    private final InstantSource clock;

    CallbackRoute(PublicUrl publicUrl, Seal seal, InstantSource clock) {
        this.publicUrl = publicUrl;
        this.seal = seal;
        this.clock = clock;
    }

    ServerResponse handle(HttpServerRequest request) {
        Map<String, String> parameters = RequestTarget.of(request).parameters();
        String state = parameters.getOrDefault("state", "");
        PendingLogin login = PendingLogin.open(seal, state);
        if (login == null || !clock.instant().isBefore(login.expiresAt())) {
            throw ErrorResponse.invalidRequest("It was not started here, or more than ten minutes ago");
        }
        LoginCookie cookie = LoginCookie.of(publicUrl, state);
        String browser = cookie.in(request);
        if (browser == null || !login.isOf(browser)) {
            throw ErrorResponse.invalidRequest("It was started in another browser, or is over already");
        }
        Map<String, String> answer = outcome(parameters.get("code"), parameters.get("error"));
        answer.put("state", login.state());
        // 303 and never 307: whatever came here, the application gets a plain GET.
        return ServerResponse.redirect(303, Uris.append(login.returnUri(), UrlEncoded.formatQuery(answer)))
                .with("Set-Cookie", cookie.clear());
    }

    private static Map<String, String> outcome(@Nullable String code, @Nullable String error) {
        Map<String, String> outcome = new LinkedHashMap<>();
        if (code != null && error == null && CODE.matcher(code).matches()) {
            outcome.put("code", code);
        } else if (error != null && code == null) {
            outcome.put("error", ERROR.matcher(error).matches() ? error : "server_error");
        } else {
            throw ErrorResponse.invalidRequest("The provider answered with neither a code nor an error");
        }
        return outcome;
    }
}
