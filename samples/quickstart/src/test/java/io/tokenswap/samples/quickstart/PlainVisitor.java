package io.tokenswap.samples.quickstart;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** A browser that keeps secure cookies on loopback too, as Chromium and Firefox do. */
final class PlainVisitor {

    private final HttpClient http = HttpClient.newHttpClient();
    private final Map<String, String> cookies = new TreeMap<>();

    /** Returns a visitor that has the cookies of this one, whatever becomes of them here. */
    PlainVisitor copy() {
        PlainVisitor copy = new PlainVisitor();
        copy.cookies.putAll(cookies);
        return copy;
    }

    HttpResponse<String> send(String method, URI uri) throws IOException, InterruptedException {
        HttpRequest.Builder request = HttpRequest.newBuilder(uri)
                .method(method, HttpRequest.BodyPublishers.noBody())
                .header("Accept", "text/html,*/*;q=0.8")
                .header("Sec-Fetch-Site", "same-origin")
                .timeout(Duration.ofSeconds(20));
        if (!cookies.isEmpty()) {
            request.header(
                    "Cookie",
                    cookies.entrySet().stream()
                            .map(cookie -> cookie.getKey() + "=" + cookie.getValue())
                            .collect(Collectors.joining("; ")));
        }
        HttpResponse<String> response = http.send(request.build(), HttpResponse.BodyHandlers.ofString());
        for (String cookie : response.headers().allValues("Set-Cookie")) {
            String[] pair = cookie.split(";", 2)[0].split("=", 2);
            cookies.put(pair[0], pair[1]);
        }
        return response;
    }

    /** Loads the page at the end of all redirects. */
    HttpResponse<String> open(URI uri) throws IOException, InterruptedException {
        HttpResponse<String> response = send("GET", uri);
        for (int hop = 0; hop < 10 && response.statusCode() / 100 == 3; hop++) {
            response = send(
                    "GET",
                    response.uri()
                            .resolve(response.headers().firstValue("Location").orElseThrow()));
        }
        return response;
    }
}
