package io.tokenswap.samples.exchange;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.netty.ChannelBindException;

class ExchangeServerTest {

    @Test
    void nothingListensBeforeSubscription() {
        Mono<ExchangeServer> second;
        try (Exchange first = new Exchange()) {
            second = ExchangeServer.start(config(first.port()));
        }

        try (ExchangeServer server = second.blockOptional().orElseThrow()) {
            assertThat(server.uri()).hasToString("http://127.0.0.1:" + server.boundPort());
        }
    }

    @Test
    void severalLiveInOneProcessEachWithItsOwnUrlAndLogins() {
        try (Exchange one = new Exchange();
                Exchange two = new Exchange()) {
            assertThat(one.server.uri())
                    .hasToString("http://127.0.0.1:" + one.port())
                    .isNotEqualTo(two.server.uri());
            assertThat(one.login(Exchange.AUTHORIZE).providerQuery())
                    .containsEntry("redirect_uri", one.server.uri() + "/callback");
            assertThat(two.login(Exchange.AUTHORIZE).providerQuery())
                    .containsEntry("redirect_uri", two.server.uri() + "/callback");
        }
    }

    @Test
    void aPortThatIsTakenIsAnError() {
        try (Exchange one = new Exchange()) {
            assertThatThrownBy(() -> ExchangeServer.start(config(one.port())).block())
                    .isInstanceOf(ChannelBindException.class);
        }
    }

    @Test
    void aPublicUrlThatIsGivenIsUsed() {
        try (Exchange one =
                new Exchange(Map.of("PUBLIC_URL", "https://exchange.example/spotify/", "SEAL_KEYS", Exchange.KEY))) {
            assertThat(one.server.uri()).hasToString("https://exchange.example/spotify");
            assertThat(one.login(Exchange.AUTHORIZE).providerQuery())
                    .containsEntry("redirect_uri", "https://exchange.example/spotify/callback");
        }
    }

    @Test
    void anAnswerOnItsWayArrivesThoughTheServerIsToldToStop() {
        try (Exchange exchange = new Exchange()) {
            Sinks.Empty<Void> gate = Sinks.empty();
            exchange.provider.waitsFor(gate.asMono());
            CompletableFuture<Integer> status =
                    CompletableFuture.supplyAsync(() -> exchange.swap("c").statusCode());
            exchange.provider.arrived().block();

            CompletableFuture<Void> stopped = CompletableFuture.runAsync(exchange.server::close);
            exchange.server.onClose().block();
            gate.tryEmitEmpty();

            assertThat(status.join()).isEqualTo(200);
            stopped.join();
        }
    }

    private static ExchangeServerConfig config(int port) {
        return ExchangeServerConfig.from(
                Map.of("PORT", String.valueOf(port), "CLIENT_ID", "client", "CLIENT_SECRET", Exchange.SECRET));
    }
}
