package io.tokenswap.samples.exchange;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.http.HttpResponse;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("C55")
class RateLimitTest {

    private static Exchange exchange(String limit, int rate, String... more) {
        Map<String, String> variables = new HashMap<>(Map.of(limit, String.valueOf(rate), "SEAL_KEYS", Exchange.KEY));
        for (int i = 0; i < more.length; i += 2) {
            variables.put(more[i], more[i + 1]);
        }
        return new Exchange(variables);
    }

    @Test
    void whatFailsCountsAgainstItsAddressAndWhatIsValidDoesNot() {
        try (Exchange exchange = exchange("LIMIT_FAILURES", 10)) {
            String code = exchange.code("c");
            for (int i = 0; i < 50; i++) {
                assertThat(exchange.refresh("junk-" + i).statusCode()).isEqualTo(400);
            }
            HttpResponse<String> limited = exchange.refresh("junk");
            assertThat(limited.statusCode()).isEqualTo(429);
            assertThat(limited.body()).contains("\"processed\":\"no\"");
            assertThat(limited.headers().firstValue("Retry-After")).contains("1");
            HttpResponse<String> page = exchange.get("/authorize?state=short");
            assertThat(page.statusCode()).isEqualTo(429);
            assertThat(page.headers().firstValue("Content-Type")).contains("text/html; charset=utf-8");
            assertThat(exchange.get("/nowhere").statusCode()).isEqualTo(429);

            // An office behind one address is not refused for one of its machines.
            assertThat(exchange.form("/swap", "code=" + code).statusCode()).isEqualTo(200);
            exchange.now = exchange.now.plusMillis(100);
            assertThat(exchange.refresh("junk").statusCode()).isEqualTo(400);
            assertThat(exchange.refresh("junk").statusCode()).isEqualTo(429);
        }
    }

    @Test
    void requestsToTheProviderCountAgainstTheirToken() {
        try (Exchange exchange = new Exchange(Map.of("LIMIT_PER_TOKEN", "2"))) {
            exchange.provider.respondsWith(500, "{}");
            assertThat(exchange.refresh("rt-1").statusCode()).isEqualTo(502);
            assertThat(exchange.refresh("rt-1").statusCode()).isEqualTo(502);
            assertThat(exchange.refresh("rt-1").statusCode()).isEqualTo(429);
            assertThat(exchange.refresh("rt-2").statusCode()).isEqualTo(502);
            exchange.now = exchange.now.plusMillis(500);
            assertThat(exchange.refresh("rt-1").statusCode()).isEqualTo(502);
        }
    }

    @Test
    void allRequestsCountAgainstATotalButHealthDoesNot() {
        try (Exchange exchange = exchange("LIMIT_TOTAL", 3)) {
            for (int i = 0; i < 3; i++) {
                assertThat(exchange.get("/").statusCode()).isEqualTo(200);
            }
            assertThat(exchange.get("/").statusCode()).isEqualTo(429);
            assertThat(exchange.get("/health/live").statusCode()).isEqualTo(200);
            exchange.now = exchange.now.plusSeconds(1);
            assertThat(exchange.get("/").statusCode()).isEqualTo(200);
        }
    }

    @Test
    void theAddressIsTakenFromAListedProxyOnly() {
        try (Exchange direct = exchange("LIMIT_FAILURES", 1);
                Exchange behind = exchange("LIMIT_FAILURES", 1, "TRUSTED_PROXIES", "127.0.0.1")) {
            for (int i = 0; i < 5; i++) {
                assertThat(fails(direct, "203.0.113." + i)).isEqualTo(400);
                assertThat(fails(behind, "203.0.113.1")).isEqualTo(400);
            }
            assertThat(fails(direct, "203.0.113.9")).isEqualTo(429);
            assertThat(fails(behind, "203.0.113.1")).isEqualTo(429);
            assertThat(fails(behind, "198.51.100.7, 203.0.113.2")).isEqualTo(400);
        }
    }

    @Test
    void anIpv6NetworkIsOneSource() {
        try (Exchange behind = exchange("LIMIT_FAILURES", 1, "TRUSTED_PROXIES", "127.0.0.1")) {
            for (int i = 0; i < 5; i++) {
                assertThat(fails(behind, "2001:db8:0:1::" + i)).isEqualTo(400);
            }
            assertThat(fails(behind, "2001:db8:0:1:ffff::1")).isEqualTo(429);
            assertThat(fails(behind, "2001:db8:0:2::1")).isEqualTo(400);
        }
    }

    private static int fails(Exchange exchange, String forwardedFor) {
        return exchange.post(
                        "/refresh",
                        "application/x-www-form-urlencoded",
                        "refresh_token=junk",
                        "X-Forwarded-For",
                        forwardedFor)
                .statusCode();
    }
}
