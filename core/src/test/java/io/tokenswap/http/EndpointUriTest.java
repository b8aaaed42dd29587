package io.tokenswap.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.URI;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class EndpointUriTest {

    private static final URI GOOD = URI.create("https://auth.example.com");

    @ParameterizedTest(name = "{0} is fit")
    @ValueSource(
            strings = {
                "https://auth.example.com",
                "https://auth.example.com:65535",
                "HTTPS://auth.example.com:8443/base/",
                "https://10.0.0.1/swap?code=key",
                "http://localhost:8080",
                "http://LOCALHOST",
                "http://127.0.0.1:8080",
                "http://127.255.255.254",
                "http://[::1]:8080"
            })
    @Tag("B66")
    void uriIsFit(String uri) {
        assertThat(ExchangeServerEndpoint.create(uri)).asString().contains("swap=");
    }

    @ParameterizedTest(name = "{0} is refused")
    @CsvSource(delimiter = '|', textBlock = """
            http://auth.example.com
            http://10.0.0.1
            http://0.0.0.0
            http://128.0.0.1
            http://[::2]
            http://[fe80::1]
            http://localhost.example.com
            http://127.0.0.1.example.com
            http://localhost.
            http://2130706433
            http://0x7f.1
            https://canary:canary@auth.example.com
            https://canary@auth.example.com
            https://auth.example.com/#canary
            file:///etc/canary
            ftp://auth.example.com
            mailto:canary@example.com
            https:auth.example.com
            https:///swap
            //auth.example.com
            /swap
            https://auth_server.example.com
            https://auth.example.com:65536
            https://auth.example.com/ canary
            ''
            """)
    @Tag("B66")
    @Tag("B67")
    void uriIsRefused(String uri) {
        assertThatThrownBy(() -> ExchangeServerEndpoint.create(uri))
                .isInstanceOf(IllegalArgumentException.class)
                .hasNoCause()
                .hasMessageNotContaining(Samples.CANARY);
    }

    @ParameterizedTest(name = "a line break at {0} is refused")
    @ValueSource(
            strings = {"https://auth.example.com\r\nHost: canary", "https://auth.example.com/\r\ncanary", "\nhttps://x"
            })
    @Tag("B67")
    void lineBreakIsRefused(String uri) {
        assertThatThrownBy(() -> ExchangeServerEndpoint.create(uri))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageNotContaining(Samples.CANARY);
    }

    @Test
    @Tag("B66")
    void everyUriOfAnEndpointIsJudged() {
        URI bad = URI.create("http://auth.example.com");

        assertThatThrownBy(
                        () -> ExchangeServerEndpoint.builder(GOOD).swapUri(bad).build())
                .hasMessageStartingWith("The swap URI is plain http to auth.example.com");
        assertThatThrownBy(() ->
                        ExchangeServerEndpoint.builder(GOOD).refreshUri(bad).build())
                .hasMessageStartingWith("The refresh URI is plain http");
        assertThatThrownBy(() ->
                        ExchangeServerEndpoint.builder(GOOD).authorizeUri(bad).build())
                .hasMessageStartingWith("The authorize URI is plain http");
        assertThatThrownBy(() -> ProviderEndpoint.create(bad, ClientAuthentication.none("id")))
                .hasMessageStartingWith("The token URI is plain http");
    }

    @Test
    @Tag("B66")
    void switchAllowsPlainHttpAndNothingElse() {
        assertThat(ExchangeServerEndpoint.builder(URI.create("http://exchange:8080"))
                        .allowInsecureHttp()
                        .build())
                .asString()
                .contains("http://exchange:8080/swap");
        assertThatThrownBy(() -> ExchangeServerEndpoint.builder(URI.create("ftp://exchange"))
                        .allowInsecureHttp()
                        .build())
                .isInstanceOf(IllegalArgumentException.class);
    }

    @ParameterizedTest(name = "{0} and {1} make {2}")
    @CsvSource({
        "https://h, /swap, https://h/swap",
        "https://h/, /swap, https://h/swap",
        "https://h/a, /swap, https://h/a/swap",
        "https://h/a/, /swap, https://h/a/swap",
        "https://h/a?key=k, /swap, https://h/a/swap?key=k",
        "https://h?key=k, /swap, https://h/swap?key=k",
        "https://h/index.php, '', https://h/index.php",
        "https://h/a%2Fb, /swap, https://h/a%2Fb/swap"
    })
    void pathGoesBelowTheBase(URI base, String path, URI whole) {
        assertThat(EndpointUri.append(base, path)).isEqualTo(whole);
    }

    @Test
    void authorizePageIsTheBaseUnlessNamed() {
        assertThat(ExchangeServerEndpoint.create(GOOD).authorizationRequest().build(Samples.REDIRECT))
                .asString()
                .contains("[https://auth.example.com,");
        assertThat(ExchangeServerEndpoint.builder(GOOD)
                        .authorizeUri(URI.create("https://auth.example.com/authorize"))
                        .build()
                        .authorizationRequest()
                        .build(Samples.REDIRECT))
                .asString()
                .contains("[https://auth.example.com/authorize,");
    }

    @Test
    void builderTakesTextAndRepeatsNoneOfIt() {
        assertThat(ExchangeServerEndpoint.builder("https://auth.example.com").build())
                .hasToString(ExchangeServerEndpoint.create(GOOD).toString());
        assertThatThrownBy(() -> ExchangeServerEndpoint.builder("https://auth.example.com/ canary"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasNoCause()
                .hasMessageNotContaining(Samples.CANARY);
    }

    @Test
    void eachLoginStartsAnew() {
        ExchangeServerEndpoint endpoint = ExchangeServerEndpoint.create(GOOD);

        assertThat(endpoint.authorizationRequest()).isNotSameAs(endpoint.authorizationRequest());
    }

    @ParameterizedTest(name = "{0} is at {1}")
    @CsvSource({
        "https://auth.example.com/swap, auth.example.com:443",
        "http://localhost, localhost:80",
        "http://[::1]:0, [::1]:0"
    })
    void aServerIsNamedByHostAndPort(URI uri, String hostAndPort) {
        assertThat(EndpointUri.hostAndPort(uri)).isEqualTo(hostAndPort);
    }

    @Test
    @Tag("E39")
    void aHostThatJavaDoesNotFindIsExplained() {
        assertThatThrownBy(() -> ExchangeServerEndpoint.create("https://exchange_server.example.com"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("underscore");
        assertThatThrownBy(() -> ExchangeServerEndpoint.create("https://b\u00fccher.example.com"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("xn--");
    }
}
