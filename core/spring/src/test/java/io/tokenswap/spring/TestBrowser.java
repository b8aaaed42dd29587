package io.tokenswap.spring;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.CookieManager;
import java.net.CookiePolicy;
import java.net.HttpCookie;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.WebSocket;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;

/** Browser of a user, with its own cookies, that loads pages. */
final class TestBrowser {

    static final String PAGE = "text/html,application/xhtml+xml,*/*;q=0.8";

    private final CookieManager cookies = new CookieManager(null, CookiePolicy.ACCEPT_ALL);
    private final HttpClient http =
            HttpClient.newBuilder().cookieHandler(cookies).build();

    /** Loads a page; redirects are not followed. */
    HttpResponse<String> get(URI uri, String... headers) {
        return send(request(uri, headers));
    }

    /** Sends a request of a script. */
    HttpResponse<String> fetch(URI uri) {
        return send(HttpRequest.newBuilder(uri).header("Accept", "application/json"));
    }

    /** Opens a stream; the result comes with the head of the response. */
    CompletableFuture<HttpResponse<InputStream>> stream(URI uri) {
        return http.sendAsync(
                HttpRequest.newBuilder(uri)
                        .header("Accept", "text/event-stream")
                        .build(),
                BodyHandlers.ofInputStream());
    }

    /** Opens a WebSocket with the cookies of this browser. */
    void webSocket(URI uri, WebSocket.Listener listener) {
        http.newWebSocketBuilder()
                .header(
                        "Cookie",
                        cookies().stream()
                                .map(cookie -> cookie.getName() + "=" + cookie.getValue())
                                .collect(Collectors.joining("; ")))
                .buildAsync(uri, listener)
                .join();
    }

    CompletableFuture<HttpResponse<String>> fetchLater(URI uri) {
        return http.sendAsync(
                HttpRequest.newBuilder(uri).header("Accept", "*/*").build(), BodyHandlers.ofString());
    }

    HttpResponse<String> post(URI uri, String... headers) {
        HttpRequest.Builder request = HttpRequest.newBuilder(uri).POST(BodyPublishers.noBody());
        return send(headers.length == 0 ? request : request.headers(headers));
    }

    HttpResponse<String> head(URI uri) {
        return send(HttpRequest.newBuilder(uri).method("HEAD", BodyPublishers.noBody()));
    }

    /** Loads the page at the end of all redirects. */
    HttpResponse<String> open(URI uri) {
        HttpResponse<String> response = get(uri);
        for (int hop = 0; hop < 10 && response.statusCode() / 100 == 3; hop++) {
            response = get(location(response));
        }
        return response;
    }

    /** Follows the redirects of a login until the one to a path, and returns where it leads. */
    URI openUntil(URI uri, String path) {
        URI next = uri;
        for (int hop = 0; hop < 10; hop++) {
            next = location(get(next));
            if (next.getPath().equals(path)) {
                return next;
            }
        }
        throw new AssertionError("No redirect to " + path);
    }

    List<HttpCookie> cookies() {
        return List.copyOf(cookies.getCookieStore().getCookies());
    }

    String cookie(String name) {
        return cookies().stream()
                .filter(cookie -> cookie.getName().equals(name))
                .map(HttpCookie::getValue)
                .findFirst()
                .orElse("");
    }

    void setCookie(URI uri, String name, String value) {
        HttpCookie cookie = new HttpCookie(name, value);
        cookie.setPath("/");
        cookie.setVersion(0);
        cookies().stream()
                .filter(other -> other.getName().equals(name))
                .forEach(other -> cookies.getCookieStore().remove(uri, other));
        cookies.getCookieStore().add(uri, cookie);
    }

    static URI location(HttpResponse<String> redirect) {
        return redirect.uri()
                .resolve(redirect.headers()
                        .firstValue("Location")
                        .orElseThrow(() -> new AssertionError(redirect + redirect.body())));
    }

    static HttpRequest.Builder request(URI uri, String... headers) {
        HttpRequest.Builder request =
                HttpRequest.newBuilder(uri).header("Accept", PAGE).timeout(Duration.ofSeconds(20));
        return headers.length == 0 ? request : request.headers(headers);
    }

    private HttpResponse<String> send(HttpRequest.Builder request) {
        try {
            return http.send(request.build(), BodyHandlers.ofString());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
