package io.tokenswap.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.Proxy;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import reactor.netty.http.client.HttpClient;
import reactor.netty.http.client.HttpClientMetricsRecorder;

/** What the metrics of the caller's client get to see of a token request. */
class MetricsTest extends WireFixture {

    @Test
    @Tag("B110")
    void metricsAreToldThePathAndNothingElse() {
        List<String> measured = new CopyOnWriteArrayList<>();
        HttpClientMetricsRecorder recorder = (HttpClientMetricsRecorder) Proxy.newProxyInstance(
                getClass().getClassLoader(),
                new Class<?>[] {HttpClientMetricsRecorder.class},
                (proxy, method, arguments) -> {
                    if (method.getDeclaringClass() == Object.class) {
                        return method.invoke(measured, arguments);
                    }
                    measured.add(method.getName() + Arrays.deepToString(arguments));
                    return null;
                });
        RecordingServer server = started(RecordingServer.responding(200, Samples.TOKEN_RESPONSE));
        ExchangeServerEndpoint endpoint = ExchangeServerEndpoint.builder(server.uri("/base?key=hidden"))
                .header("X-Api-Key", "canary")
                .httpClient(HttpClient.newConnection().metrics(true, () -> recorder))
                .build();

        endpoint.swap(Samples.CODE).block();
        endpoint.refresh(Samples.REFRESH_TOKEN).block();

        assertThat(server.requests()).hasSize(2);
        assertThat(measured)
                .anyMatch(line -> line.contains(", /base/swap, POST, "))
                .anyMatch(line -> line.contains(", /base/refresh, POST, "))
                .noneMatch(line -> line.contains("hidden") || line.contains(Samples.CANARY));
    }
}
