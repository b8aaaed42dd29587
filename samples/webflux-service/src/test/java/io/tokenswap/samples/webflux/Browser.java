package io.tokenswap.samples.webflux;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.CookieManager;
import java.net.CookiePolicy;
import java.net.HttpCookie;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Browser of a person: its own cookies, redirects followed one by one, forms with their buttons. */
final class Browser {

    private static final Pattern FIELD = Pattern.compile("<input[^>]* name=\"([^\"]*)\"[^>]*? value=\"([^\"]*)\"");
    private static final Pattern ACTION = Pattern.compile("action=\"([^\"]*)\"");

    private final CookieManager cookies = new CookieManager(null, CookiePolicy.ACCEPT_ALL);
    private final HttpClient http =
            HttpClient.newBuilder().cookieHandler(cookies).build();

    /** One page, redirects not followed. */
    HttpResponse<String> get(URI uri) {
        return send(HttpRequest.newBuilder(uri).header("Accept", "text/html,*/*;q=0.8"));
    }

    /** A request of the page's script. */
    HttpResponse<String> fetch(URI uri) {
        return send(HttpRequest.newBuilder(uri).header("Accept", "application/json"));
    }

    /** A stream of events, once its head has come. */
    InputStream stream(URI uri) {
        HttpRequest request = HttpRequest.newBuilder(uri)
                .header("Accept", "text/event-stream")
                .build();
        try {
            return http.send(request, BodyHandlers.ofInputStream()).body();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /** A form of this service's own page. */
    HttpResponse<String> post(URI uri) {
        return send(HttpRequest.newBuilder(uri)
                .header("Sec-Fetch-Site", "same-origin")
                .POST(BodyPublishers.noBody()));
    }

    /** The page at the end of all redirects. */
    HttpResponse<String> open(URI uri) {
        return openUntil(uri, target -> false);
    }

    /** The page at the end of all redirects, or the first redirect to such a place. */
    HttpResponse<String> openUntil(URI uri, Predicate<URI> stop) {
        return follow(get(uri), stop);
    }

    /** Sends the form of a page with its own values, and a button. */
    HttpResponse<String> submit(HttpResponse<String> page, Map<String, String> button) {
        Matcher action = ACTION.matcher(page.body());
        if (!action.find()) {
            throw new AssertionError("There is no form in " + page.body());
        }
        String form = Stream.concat(
                        button.entrySet().stream(),
                        FIELD.matcher(page.body()).results().map(field -> Map.entry(field.group(1), field.group(2))))
                .map(field -> field.getKey() + "=" + URLEncoder.encode(field.getValue(), StandardCharsets.UTF_8))
                .collect(Collectors.joining("&"));
        return follow(
                send(HttpRequest.newBuilder(page.uri().resolve(action.group(1)))
                        .header("Content-Type", "application/x-www-form-urlencoded")
                        .POST(BodyPublishers.ofString(form))),
                target -> false);
    }

    String cookie(String name) {
        return cookies.getCookieStore().getCookies().stream()
                .filter(cookie -> cookie.getName().equals(name))
                .map(HttpCookie::getValue)
                .findFirst()
                .orElse("");
    }

    static URI location(HttpResponse<String> redirect) {
        return redirect.uri()
                .resolve(redirect.headers()
                        .firstValue("Location")
                        .orElseThrow(() -> new AssertionError(redirect + redirect.body())));
    }

    private HttpResponse<String> follow(HttpResponse<String> first, Predicate<URI> stop) {
        HttpResponse<String> response = first;
        for (int hop = 0; hop < 10; hop++) {
            if (response.statusCode() / 100 != 3 || stop.test(location(response))) {
                return response;
            }
            response = get(location(response));
        }
        throw new AssertionError("Redirected for ever");
    }

    private HttpResponse<String> send(HttpRequest.Builder request) {
        try {
            return http.send(request.timeout(Duration.ofMinutes(1)).build(), BodyHandlers.ofString());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
