package io.tokenswap.samples.exchange;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Generated requests. The numbers for a long run:
 *
 * <pre>
 *   mvn -pl samples/exchange-server -am test -Dtest=GeneratedRequestsTest -Dsurefire.failIfNoSpecifiedTests=false
 *       -Dexchange.pairs=100000 -Dexchange.requests=10000000 [-Dexchange.seed=7]
 * </pre>
 */
@Timeout(value = 2, unit = TimeUnit.HOURS)
class GeneratedRequestsTest {

    private static final long SEED = Long.getLong("exchange.seed", 1);

    @Test
    @Tag("C59")
    @Tag("E67")
    void noRequestIsFoundInTheBodyOfAnother() throws IOException {
        RequestPairs pairs = new RequestPairs(SEED);
        // A pair that leaves the server waiting for more ends soon.
        try (Exchange exchange = new Exchange(Map.of("HEADER_TIMEOUT", "200ms", "BODY_TIMEOUT", "200ms"))) {
            for (int i = 0; i < Integer.getInteger("exchange.pairs", 1_000); i++) {
                String pair = pairs.next();

                String responses = exchange.raw(pair);

                assertThat(responses)
                        .as(pair)
                        .startsWith("HTTP/1.")
                        .doesNotContain(" 404 ")
                        .doesNotContain(" 500 ");
                assertThat(responses.split("HTTP/1\\.[01] [0-9]{3} ", -1).length)
                        .as(pair)
                        .isLessThanOrEqualTo(3);
            }
        }
    }

    @Test
    @Tag("C75")
    void noRequestMakesTheServerFail() throws IOException {
        RequestFuzz fuzz = new RequestFuzz(SEED);
        try (Exchange exchange = new Exchange(Map.of("SEAL_KEYS", Exchange.KEY))) {
            fuzz.known(
                    exchange.code("c"),
                    Exchange.refreshToken(exchange.swap("d")),
                    exchange.login(Exchange.AUTHORIZE).state());
            Socket socket = connect(exchange);
            InputStream responses = new BufferedInputStream(socket.getInputStream());
            for (int i = 0; i < Integer.getInteger("exchange.requests", 5_000); i++) {
                String request = fuzz.next();
                String response;
                try {
                    socket.getOutputStream().write(request.getBytes(StandardCharsets.ISO_8859_1));
                    response = response(responses);
                } catch (IOException closed) {
                    response = "";
                }
                if (response.isEmpty() || response.toLowerCase(Locale.ROOT).contains("connection: close")) {
                    socket.close();
                    socket = connect(exchange);
                    responses = new BufferedInputStream(socket.getInputStream());
                }

                assertThat(response)
                        .as(request)
                        .doesNotContain("HTTP/1.1 500", "Exception", "\tat ", ".java", "Something went wrong");
            }
            socket.close();
            assertThat(exchange.get("/health/live").statusCode()).isEqualTo(200);
        }
    }

    private static Socket connect(Exchange exchange) throws IOException {
        Socket socket = new Socket("127.0.0.1", exchange.port());
        socket.setSoTimeout(20_000);
        return socket;
    }

    /** One response, or nothing if the connection has ended. */
    private static String response(InputStream in) throws IOException {
        StringBuilder head = new StringBuilder();
        while (head.indexOf("\r\n\r\n") < 0) {
            int next = in.read();
            if (next < 0) {
                return "";
            }
            head.append((char) next);
        }
        String text = head.toString();
        int at = text.toLowerCase(Locale.ROOT).indexOf("content-length: ");
        int length = at < 0 ? 0 : Integer.parseInt(text.substring(at + 16, text.indexOf('\r', at)));
        return text + new String(in.readNBytes(length), StandardCharsets.UTF_8);
    }

    /** Generates single requests whose length is plain, so that a connection serves many. */
    private static final class RequestFuzz {

        private static final String[] METHODS = {
            "GET", "POST", "POST", "POST", "PUT", "OPTIONS", "DELETE", "PATCH", "get", "FOO"
        };
        private static final String[] PATHS = {
            "/",
            "/index.php",
            "/authorize",
            "/callback",
            "/swap",
            "/swap/",
            "/refresh",
            "/v1/swap",
            "/v1/refresh",
            "/api/token",
            "/api/refresh_token",
            "/health/live",
            "/health/ready",
            "/nowhere",
            "//swap",
            "/%73wap",
            "*"
        };
        private static final String[] TOKEN_PATHS = {"/", "/swap", "/refresh"};
        private static final String[] GRANT_TYPES = {"", "authorization_code", "refresh_token"};
        private static final String[] NAMES = {
            "state",
            "code",
            "error",
            "error_description",
            "iss",
            "redirect_uri",
            "server_uri",
            "scope",
            "show_dialog",
            "response_type",
            "code_challenge",
            "code_challenge_method",
            "grant_type",
            "refresh_token",
            "code_verifier",
            "x"
        };
        private static final String[] VALUES = {
            "",
            "a",
            "0a1b2c3d",
            "authorization_code",
            "refresh_token",
            "S256",
            "true",
            "http://localhost:4002/auth",
            "http://127.0.0.1:1/auth",
            "https://evil.example",
            "%00",
            "%zz",
            "%",
            "+",
            "%F0%9F%92%A9",
            "%C0%AF",
            "<b>",
            "a".repeat(43),
            "a".repeat(600),
            "null",
            "\u00ff",
            "%0d%0aX:y"
        };
        private static final String[] TYPES = {
            "application/json", "application/x-www-form-urlencoded", "application/json; charset=utf-8", "text/plain",
                    "",
            "application/json;charset=utf-16", "multipart/form-data; boundary=a", "\u00ff", ";;;",
                    "application/json; charset=\""
        };
        private static final String[] JSON = {
            "{",
            "}",
            "[",
            "]",
            "\"a\"",
            ":",
            ",",
            "null",
            "1e999999",
            "true",
            "\"code\":",
            "\"\\ud800\"",
            "\"\\u0000\"",
            "\u00ef\u00bb\u00bf",
            "-",
            "\"refresh_token\":\"",
            "\\",
            "9".repeat(400),
            "{\"code\":{}}",
            "{\"a\":".repeat(40)
        };
        private static final String[] HEADERS = {
            "Cookie",
            "Origin",
            "X-Forwarded-For",
            "X-Request-Id",
            "Accept",
            "Authorization",
            "Sec-Purpose",
            "Purpose",
            "Access-Control-Request-Method",
            "If-None-Match",
            "Range",
            "Accept-Encoding",
            "Content-Encoding",
            "Upgrade"
        };

        private final Random random;
        private String[] values = VALUES;

        RequestFuzz(long seed) {
            this.random = new Random(seed);
        }

        void known(String... sealed) {
            values = new String[VALUES.length + sealed.length];
            System.arraycopy(VALUES, 0, values, 0, VALUES.length);
            System.arraycopy(sealed, 0, values, VALUES.length, sealed.length);
        }

        String next() {
            return random.nextInt(4) == 0 ? nearlyValid() : anything();
        }

        /** Generates a swap or a refresh whose fields have their names, so that the code behind the parsers is reached. */
        private String nearlyValid() {
            String[] fields = {"grant_type", "code", "refresh_token", "code_verifier", "redirect_uri"};
            StringBuilder form = new StringBuilder();
            for (String field : fields) {
                if (random.nextInt(4) > 0) {
                    form.append(form.isEmpty() ? "" : "&")
                            .append(field)
                            .append('=')
                            .append(field.equals("grant_type") ? of(GRANT_TYPES) : of(values));
                }
            }
            return "POST " + of(TOKEN_PATHS)
                    + " HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: "
                    + form.length() + "\r\n\r\n" + form;
        }

        private String anything() {
            String type = of(TYPES);
            String body = body(type);
            StringBuilder request = new StringBuilder(of(METHODS)).append(' ').append(of(PATHS));
            if (random.nextInt(3) == 0) {
                request.append('?').append(form().replace(' ', '+'));
            }
            request.append(" HTTP/1.1\r\nHost: ")
                    .append(random.nextInt(9) == 0 ? of(values) : "a")
                    .append("\r\nContent-Type: ")
                    .append(type);
            for (int i = random.nextInt(3); i > 0; i--) {
                request.append("\r\n").append(of(HEADERS)).append(": ").append(of(values));
            }
            return request.append("\r\nContent-Length: ")
                    .append(body.length())
                    .append("\r\n\r\n")
                    .append(body)
                    .toString();
        }

        private String body(String type) {
            if (!type.contains("json")) {
                return form();
            }
            StringBuilder body = new StringBuilder();
            if (random.nextBoolean()) {
                body.append('{');
                for (int i = random.nextInt(4); i >= 0; i--) {
                    body.append('"')
                            .append(of(NAMES))
                            .append("\":\"")
                            .append(of(values))
                            .append(i == 0 ? "\"}" : "\",");
                }
            } else {
                for (int i = random.nextInt(12); i > 0; i--) {
                    body.append(of(JSON));
                }
            }
            return mutated(body);
        }

        private String form() {
            StringBuilder form = new StringBuilder();
            for (int i = random.nextInt(5); i > 0; i--) {
                form.append(of(NAMES)).append('=').append(of(values)).append('&');
            }
            return mutated(form);
        }

        private String mutated(StringBuilder text) {
            if (text.length() > 0 && random.nextInt(3) == 0) {
                int at = random.nextInt(text.length());
                switch (random.nextInt(3)) {
                    case 0 -> text.setCharAt(at, (char) (0x21 + random.nextInt(0xDE)));
                    case 1 -> text.deleteCharAt(at);
                    default -> text.setLength(at);
                }
            }
            return text.toString();
        }

        private String of(String[] all) {
            return all[random.nextInt(all.length)];
        }
    }
}
