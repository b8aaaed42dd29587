package io.tokenswap.samples.quickstart;

import java.net.CookieManager;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;

/** Takes the place of the browser: follows redirects with their cookies. */
final class Visitor {

    private Visitor() {}

    public static void main(String[] args) throws Exception {
        HttpResponse<String> page = client().send(
                        HttpRequest.newBuilder(URI.create(args[0])).build(), HttpResponse.BodyHandlers.ofString());
        System.exit(page.statusCode() == 200 ? 0 : 1);
    }

    static HttpClient client() {
        return HttpClient.newBuilder()
                .followRedirects(HttpClient.Redirect.ALWAYS)
                .cookieHandler(new CookieManager())
                .build();
    }
}
