package io.tokenswap.samples.provider;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.InetAddress;
import java.net.ServerSocket;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.springframework.boot.web.server.PortInUseException;

/** Starting, stopping, and several at once. */
class LifecycleTest {

    @Test
    void twoProvidersRunAtOnceAndDoNotKnowEachOthersTokens() throws Exception {
        try (DemoProvider one = TestApplication.provider().autoApprove(true).start();
                DemoProvider two = TestApplication.provider().autoApprove(true).start()) {
            String token = new TestApplication(one).login().path("access_token").asString();

            assertThat(one.uri()).isNotEqualTo(two.uri());
            assertThat(new TestApplication(one).me(token).statusCode()).isEqualTo(200);
            assertThat(new TestApplication(two).me(token).statusCode()).isEqualTo(401);
        }
    }

    @Test
    void closeFreesThePortAndCanBeRepeated() throws Exception {
        DemoProvider provider = DemoProvider.builder().start();
        int port = provider.uri().getPort();
        provider.close();
        provider.close();

        try (ServerSocket free = new ServerSocket(port, 1, InetAddress.getByName("127.0.0.1"))) {
            assertThat(free.getLocalPort()).isEqualTo(port);
        }
        DemoProvider.builder().port(port).start().close();
    }

    @Test
    void aTakenPortSaysSo() throws Exception {
        try (DemoProvider first = DemoProvider.builder().start()) {
            DemoProvider.Builder second =
                    DemoProvider.builder().port(first.uri().getPort());

            assertThatThrownBy(second::start).isInstanceOf(PortInUseException.class);
        }
    }

    @Test
    void theAddressesAreSpotifysPathsOnTheLoopbackAddress() {
        try (DemoProvider provider = DemoProvider.builder().start()) {
            String base = "http://127.0.0.1:" + provider.uri().getPort();

            assertThat(provider.authorizeUri()).hasToString(base + "/authorize");
            assertThat(provider.tokenUri()).hasToString(base + "/api/token");
            assertThat(provider.meUri()).hasToString(base + "/v1/me");
        }
    }

    @Test
    void wrongOptionsAreRefusedBeforeTheStart() {
        DemoProvider.Builder builder = DemoProvider.builder();

        assertThatThrownBy(() -> builder.port(65_536)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> builder.clientSecret(" ")).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> builder.redirectUris()).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> builder.redirectUris("/callback")).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> builder.redirectUris("http://a.example/#b"))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> builder.accessTokenLifetime(Duration.ofMillis(1500)))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> builder.accessTokenLifetime(Duration.ZERO))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
