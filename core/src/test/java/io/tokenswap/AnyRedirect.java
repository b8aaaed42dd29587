package io.tokenswap;

import static org.assertj.core.api.Assertions.assertThat;

import io.tokenswap.internal.UrlEncoded;
import io.tokenswap.testing.Effort;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;

/** What holds for every query that the redirect URI is hit with. {@code STATE} in it stands for the state of the login. */
final class AnyRedirect {

    private static final String STATE = "STATE";
    private static final AuthorizationRequest REQUEST = AuthorizationRequest.builder(
                    URI.create("https://auth.example.com/login"))
            .build(URI.create("http://localhost:4002/auth"));
    private static final String SECRET =
            UrlEncoded.parse(REQUEST.uri().getRawQuery()).get("state").get(0);

    private AnyRedirect() {}

    /** Hits as they come. */
    static List<String> seeds() {
        return List.of(
                "code=a%2Fb&state=STATE",
                "state=STATE&code=AQD&iss=https%3A%2F%2Fissuer.test",
                "error=access_denied&state=STATE",
                "error=server_error&error_description=the+state+%22STATE%22&error_uri=x&state=STATE",
                "error=no+STATE&state=STATE",
                "error=x&error_description=%22STATE%22&state=STATE",
                "code=a&state=other",
                "access_token=a&state=STATE",
                "&&a;b=c&%C3%A9=%F0%9F%8E%B5&=");
    }

    /** One of the three outcomes, and a text survives being put into a query. */
    static void check(byte[] input, Effort effort) {
        String query = new String(input, StandardCharsets.UTF_8).replace(STATE, SECRET);
        AuthorizationResponse response = effort.of(() -> REQUEST.validate(query));

        if (response instanceof AuthorizationResponse.Granted granted) {
            assertThat(query).contains(SECRET);
            assertThat(granted.code().secret()).isNotEmpty().hasSizeLessThanOrEqualTo(7168);
        } else if (response instanceof AuthorizationResponse.Failed failed) {
            assertThat(query).contains(SECRET);
            assertThat(failed.error()).hasMessageNotContaining(SECRET);
            assertThat(failed.error().error()).isNotEqualTo(SECRET);
        }
        Map<String, List<String>> parameters = UrlEncoded.parse(query);
        if (parameters != null) {
            parameters.forEach((name, values) -> assertThat(UrlEncoded.parse(
                            "=" + UrlEncoded.encodeQuery(name) + "&x=" + UrlEncoded.encodeQuery(values.get(0))))
                    .isEqualTo(Map.of("", List.of(name), "x", List.of(values.get(0)))));
        }
    }
}
