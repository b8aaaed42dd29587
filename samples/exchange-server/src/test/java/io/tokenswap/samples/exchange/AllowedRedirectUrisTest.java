package io.tokenswap.samples.exchange;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AllowedRedirectUrisTest {

    private final AllowedRedirectUris anyPort =
            AllowedRedirectUris.parse("http://127.0.0.1/auth, http://[::1]/auth,http://localhost/auth");

    @Tag("C03")
    @ParameterizedTest(name = "a loopback literal without a port permits {0}")
    @ValueSource(
            strings = {
                "http://127.0.0.1/auth",
                "http://127.0.0.1:1/auth",
                "http://127.0.0.1:49152/auth",
                "http://127.0.0.1:65535/auth",
                "http://[::1]:4002/auth",
                "http://localhost/auth"
            })
    void permitted(String uri) {
        assertThat(anyPort.permits(uri)).isTrue();
    }

    @Tag("C03")
    @ParameterizedTest(name = "a loopback literal without a port does not permit {0}")
    @ValueSource(
            strings = {
                "http://localhost:4002/auth",
                "http://127.0.0.1:/auth",
                "http://127.0.0.1:0/auth",
                "http://127.0.0.1:080/auth",
                "http://127.0.0.1:65536/auth",
                "http://127.0.0.1:99999999999/auth",
                "http://127.0.0.1:4002",
                "http://127.0.0.1:4002/",
                "http://127.0.0.1:4002/auth/",
                "http://127.0.0.1:4002/AUTH",
                "http://127.0.0.1:4002/auth?x=1",
                "http://127.0.0.1:4002/x/auth",
                "http://127.0.0.1:4002@evil.example/auth",
                "http://127.0.0.1:4002.evil.example/auth",
                "http://127.0.0.1:4002\t/auth",
                "http://127.0.0.1:４００２/auth",
                "http://127.0.0.2:4002/auth",
                "https://127.0.0.1:4002/auth",
                "HTTP://127.0.0.1:4002/auth"
            })
    void refused(String uri) {
        assertThat(anyPort.permits(uri)).isFalse();
    }

    @Tag("C03")
    @ParameterizedTest(name = "an entry with a port permits no other: {0}")
    @ValueSource(strings = {"http://127.0.0.1:4003/auth", "http://127.0.0.1/auth", "http://127.0.0.1:40020/auth"})
    void exactPort(String uri) {
        assertThat(AllowedRedirectUris.parse("http://127.0.0.1:4002/auth").permits(uri))
                .isFalse();
    }
}
