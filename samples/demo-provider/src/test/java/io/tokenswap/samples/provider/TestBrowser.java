package io.tokenswap.samples.provider;

import java.io.IOException;
import java.net.CookieManager;
import java.net.CookiePolicy;
import java.net.URI;
import java.net.URLDecoder;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** Keeps cookies, follows redirects until one leaves the provider, and presses the buttons of forms. */
final class TestBrowser {

    private static final Pattern FIELD = Pattern.compile("<input[^>]* name=\"([^\"]*)\"[^>]*? value=\"([^\"]*)\"");

    private final HttpClient http = HttpClient.newBuilder()
            .cookieHandler(new CookieManager(null, CookiePolicy.ACCEPT_ALL))
            .connectTimeout(Duration.ofSeconds(5))
            .build();
    private final URI provider;

    TestBrowser(DemoProvider provider) {
        this.provider = provider.uri();
    }

    /** Last response of the provider: a page, or the redirect that leaves it. */
    HttpResponse<String> open(URI uri) throws IOException, InterruptedException {
        return follow(HttpRequest.newBuilder(uri));
    }

    /** Sends the only form of a page with its own values, and a button. */
    HttpResponse<String> submit(HttpResponse<String> page, Map<String, String> changed)
            throws IOException, InterruptedException {
        Matcher action = Pattern.compile("action=\"([^\"]*)\"").matcher(page.body());
        if (!action.find()) {
            throw new AssertionError("no form in " + page.body());
        }
        StringBuilder form = new StringBuilder(form(changed));
        Matcher field = FIELD.matcher(page.body());
        while (field.find()) {
            if (!changed.containsKey(field.group(1))) {
                form.append('&').append(form(Map.of(field.group(1), field.group(2))));
            }
        }
        return follow(HttpRequest.newBuilder(page.uri().resolve(action.group(1)))
                .header("Content-Type", "application/x-www-form-urlencoded")
                .POST(BodyPublishers.ofString(form.toString())));
    }

    private HttpResponse<String> follow(HttpRequest.Builder first) throws IOException, InterruptedException {
        HttpRequest request = first.timeout(Duration.ofSeconds(10)).build();
        for (int hop = 0; hop < 10; hop++) {
            HttpResponse<String> response = http.send(request, BodyHandlers.ofString());
            if (response.statusCode() / 100 != 3) {
                return response;
            }
            URI target = location(response);
            if (!target.getAuthority().equals(provider.getAuthority())) {
                return response;
            }
            request = HttpRequest.newBuilder(target)
                    .timeout(Duration.ofSeconds(10))
                    .build();
        }
        throw new AssertionError("redirected for ever");
    }

    static URI location(HttpResponse<String> response) {
        return response.uri()
                .resolve(response.headers()
                        .firstValue("Location")
                        .orElseThrow(() -> new AssertionError(response.body())));
    }

    static Map<String, String> query(URI uri) {
        Map<String, String> query = new LinkedHashMap<>();
        for (String pair : uri.getRawQuery().split("&", -1)) {
            String[] halves = pair.split("=", 2);
            query.put(halves[0], URLDecoder.decode(halves[1], StandardCharsets.UTF_8));
        }
        return query;
    }

    static String form(Map<String, String> values) {
        return values.entrySet().stream()
                .map(each -> each.getKey() + '=' + URLEncoder.encode(each.getValue(), StandardCharsets.UTF_8))
                .collect(Collectors.joining("&"));
    }
}
