package io.tokenswap.samples.provider;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Base64;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The client of the provider: builds authorization requests, redeems, calls the API. */
final class TestApplication {

    static final String REDIRECT_URI = "http://127.0.0.1:1/callback";
    static final String STATE = "0a1b2c3d";

    private final HttpClient http =
            HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(5)).build();
    private final DemoProvider provider;
    private final String secret;

    TestApplication(DemoProvider provider) {
        this(provider, "demo-secret");
    }

    TestApplication(DemoProvider provider, String secret) {
        this.provider = provider;
        this.secret = secret;
    }

    static DemoProvider.Builder provider() {
        return DemoProvider.builder().redirectUris(REDIRECT_URI);
    }

    /** The usual request, with parameters added or replaced. */
    URI authorize(Map<String, String> changed) {
        Map<String, String> query = new LinkedHashMap<>();
        query.put("client_id", "demo-client");
        query.put("response_type", "code");
        query.put("redirect_uri", REDIRECT_URI);
        query.put("scope", "user-read-private user-read-email");
        query.put("state", STATE);
        query.put("show_dialog", "false");
        query.putAll(changed);
        return URI.create(provider.authorizeUri() + "?" + TestBrowser.form(query));
    }

    /** Logs in at a provider that approves by itself. */
    String code(Map<String, String> changed) throws IOException, InterruptedException {
        URI back = TestBrowser.location(new TestBrowser(provider).open(authorize(changed)));
        return TestBrowser.query(back).get("code");
    }

    JsonNode login() throws IOException, InterruptedException {
        return json(swap(code(Map.of()), Map.of()));
    }

    HttpResponse<String> swap(String code, Map<String, String> more) throws IOException, InterruptedException {
        Map<String, String> form = new HashMap<>(more);
        form.put("grant_type", "authorization_code");
        form.put("code", code);
        form.putIfAbsent("redirect_uri", REDIRECT_URI);
        return token(form);
    }

    HttpResponse<String> refresh(String refreshToken) throws IOException, InterruptedException {
        return token(Map.of("grant_type", "refresh_token", "refresh_token", refreshToken));
    }

    HttpResponse<String> token(Map<String, String> form) throws IOException, InterruptedException {
        String basic = Base64.getEncoder().encodeToString(("demo-client:" + secret).getBytes(StandardCharsets.UTF_8));
        return http.send(
                HttpRequest.newBuilder(provider.tokenUri())
                        .timeout(Duration.ofSeconds(10))
                        .header("Authorization", "Basic " + basic)
                        .header("Content-Type", "application/x-www-form-urlencoded")
                        .POST(BodyPublishers.ofString(TestBrowser.form(form)))
                        .build(),
                BodyHandlers.ofString());
    }

    HttpResponse<String> me(String accessToken) throws IOException, InterruptedException {
        return http.send(
                HttpRequest.newBuilder(provider.meUri())
                        .timeout(Duration.ofSeconds(10))
                        .header("Authorization", "Bearer " + accessToken)
                        .build(),
                BodyHandlers.ofString());
    }

    static JsonNode json(HttpResponse<String> response) {
        return JsonMapper.shared().readTree(response.body());
    }
}
