package io.tokenswap.samples.webflux;

import java.net.URI;
import java.time.Duration;
import org.springframework.core.ParameterizedTypeReference;
import org.springframework.http.HttpHeaders;
import org.springframework.http.ResponseEntity;
import org.springframework.http.codec.ServerSentEvent;
import org.springframework.web.reactive.function.client.WebClient;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** Requests with a cookie that no browser would send by itself. */
final class TestRequest {

    private static final WebClient HTTP = WebClient.create();

    private TestRequest() {}

    static int status(URI uri, String cookie) {
        return HTTP.get()
                .uri(uri)
                .header(HttpHeaders.COOKIE, cookie)
                .exchangeToMono(response -> response.releaseBody()
                        .then(Mono.just(response.statusCode().value())))
                .blockOptional(Duration.ofSeconds(10))
                .orElseThrow();
    }

    /** A stream of events with the head of its response. */
    static Mono<ResponseEntity<Flux<ServerSentEvent<String>>>> stream(URI uri, String cookie) {
        return HTTP.get()
                .uri(uri)
                .header(HttpHeaders.COOKIE, cookie)
                .retrieve()
                .toEntityFlux(new ParameterizedTypeReference<>() {});
    }

    static Flux<ServerSentEvent<String>> events(URI uri, String cookie) {
        return HTTP.get()
                .uri(uri)
                .header(HttpHeaders.COOKIE, cookie)
                .retrieve()
                .bodyToFlux(new ParameterizedTypeReference<>() {});
    }
}
