package io.tokenswap.samples.desktop;

import io.tokenswap.TokenSource;
import io.tokenswap.TokenSwapException;
import io.tokenswap.http.BearerAuthentication;
import java.net.URI;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;
import reactor.netty.http.client.HttpClient;

/** Call to an API with the tokens. */
final class ApiCall {

    private ApiCall() {}

    /**
     * Calls the API with the newest token and shows the response. Fails with {@link ApiException} unless the status is a
     * success.
     */
    static Mono<Void> get(URI api, TokenSource tokens, Reporter reporter) {
        return BearerAuthentication.apply(HttpClient.create(), tokens, api.resolve("/"))
                .get()
                .uri(api)
                .responseSingle((response, body) -> body.asString()
                        .defaultIfEmpty("")
                        .map(text -> new Said(response.status().code(), text)))
                // Plain http, for which the token was not even sent.
                .onErrorMap(
                        IllegalArgumentException.class,
                        wrong -> new IllegalArgumentException(
                                String.valueOf(wrong.getMessage()).replace("The API", "--me-url"), wrong))
                .onErrorMap(
                        error -> !(error instanceof TokenSwapException) && !(error instanceof IllegalArgumentException),
                        error -> new ApiException(
                                "There is no response from the API at " + place(api) + ". Is --me-url right?", error))
                .publishOn(Schedulers.single())
                .flatMap(said -> {
                    reporter.me(said.status(), said.body());
                    return said.status() / 100 == 2
                            ? Mono.empty()
                            : Mono.error(new ApiException(
                                    "The API at " + place(api) + " responds with status " + said.status()
                                            + " to the newest token. Check --me-url and --scope.",
                                    null));
                });
    }

    private record Said(int status, String body) {}

    private static String place(URI uri) {
        return uri.getScheme() + "://" + uri.getHost() + (uri.getPort() < 0 ? "" : ":" + uri.getPort())
                + uri.getRawPath();
    }
}
