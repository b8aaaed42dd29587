package io.tokenswap.samples.desktop;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.QueryStringDecoder;
import io.tokenswap.AuthorizationFailedException;
import io.tokenswap.TokenUnavailableException;
import io.tokenswap.callback.Browser;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.netty.http.client.HttpClient;
import reactor.netty.http.client.HttpClientResponse;

/**
 * Browser without a person that follows the redirects of a login and keeps cookies. The provider must approve without
 * asking.
 */
final class HeadlessBrowser implements Browser {

    /** Number of redirects that browsers follow. */
    private static final int MOST_PAGES = 20;

    private final HttpClient client = HttpClient.create().responseTimeout(Duration.ofSeconds(15));

    /** Response and the target of its redirect, null if it is none. */
    private record Page(URI uri, int status, @Nullable URI next) {

        String place() {
            return uri.getScheme() + "://" + uri.getRawAuthority() + uri.getRawPath();
        }
    }

    @Override
    public Mono<Void> open(URI authorizeUri) {
        return Mono.defer(() -> {
            CookieJar cookies = new CookieJar();
            return visit(authorizeUri, cookies)
                    .expand(page -> page.next() == null ? Mono.empty() : visit(page.next(), cookies))
                    .take(MOST_PAGES)
                    .last()
                    .flatMap(page -> isReceiver(page, authorizeUri) ? received(page) : lost(page));
        });
    }

    private Mono<Page> visit(URI uri, CookieJar cookies) {
        if (uri.getHost() == null || !List.of("http", "https").contains(uri.getScheme())) {
            return Mono.error(failed("The sign-in leads to a link that is neither http nor https. Check --exchange."));
        }
        return client.headers(headers -> {
                    String cookie = cookies.header(uri);
                    if (!cookie.isEmpty()) {
                        headers.set(HttpHeaderNames.COOKIE, cookie);
                    }
                })
                .get()
                .uri(uri)
                .response((response, body) -> body.then(Mono.fromSupplier(() -> page(uri, response, cookies))))
                .single()
                .onErrorMap(error -> new TokenUnavailableException(
                        "The sign-in leads to " + uri.getScheme() + "://" + uri.getRawAuthority()
                                + (error instanceof SSLException
                                        ? ", with which no TLS connection is possible. Check its certificate, and if"
                                                + " the URL must begin with http."
                                        : ", which does not respond. Is it running, and is the URL right?"),
                        TokenUnavailableException.Reason.RESPONSE_LOST,
                        null,
                        error));
    }

    private static Page page(URI uri, HttpClientResponse response, CookieJar cookies) {
        cookies.keep(uri, response.responseHeaders().getAll(HttpHeaderNames.SET_COOKIE));
        int status = response.status().code();
        String location = response.responseHeaders().get(HttpHeaderNames.LOCATION);
        boolean redirect = List.of(301, 302, 303, 307, 308).contains(status) && location != null;
        return new Page(uri, status, redirect ? resolved(uri, location) : null);
    }

    private static @Nullable URI resolved(URI uri, String location) {
        try {
            return uri.resolve(location);
        } catch (IllegalArgumentException malformed) {
            return null; // the way ends here, and lost() says so
        }
    }

    private static boolean isReceiver(Page page, URI authorizeUri) {
        Map<String, List<String>> query = new QueryStringDecoder(authorizeUri).parameters();
        String receiver = query.getOrDefault("server_uri", query.getOrDefault("redirect_uri", List.of("")))
                .get(0);
        return page.place().equals(receiver);
    }

    /**
     * Checks the response of the receiver. A denied sign-in has a page with a success status too; after an error status the
     * receiver continues to wait.
     */
    private static Mono<Void> received(Page page) {
        return page.status() < 400
                ? Mono.empty()
                : Mono.error(failed("The sign-in came back with a redirect that does not belong to this login (status "
                        + page.status() + "). Does the server return the state unchanged?"));
    }

    private static Mono<Void> lost(Page page) {
        String what = page.next() != null
                ? "The sign-in redirects in a loop at " + page.place() + ". Try --browser system."
                : page.status() < 300
                        ? "The sign-in ends at a page that needs a person, " + page.place()
                                + ". Use --browser system or --browser print, or correct --exchange."
                        : "The sign-in ends at " + page.place() + " with status " + page.status()
                                + ". Check --exchange and --authorize-url, and that the server allows "
                                + "the address of --listen and each --scope.";
        return Mono.error(failed(what));
    }

    private static AuthorizationFailedException failed(String message) {
        return new AuthorizationFailedException(message, null, null);
    }
}
