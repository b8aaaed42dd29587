package io.tokenswap.samples.quickstart;

import io.grpc.CallCredentials;
import io.grpc.Metadata;
import io.grpc.Status;
import io.tokenswap.TokenRejectedException;
import io.tokenswap.TokenSource;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import reactor.core.publisher.Mono;

/** Call credentials of gRPC, and a call by a client that returns a {@link CompletionStage}. */
class Grpc extends CallCredentials {
    static final Metadata.Key<String> AUTHORIZATION =
            Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);
    final TokenSource tokens;

    Grpc(TokenSource tokens) {
        this.tokens = tokens;
    }

    @Override
    public void applyRequestMetadata(RequestInfo request, Executor executor, MetadataApplier applier) {
        tokens.token()
                .subscribe(
                        token -> {
                            Metadata headers = new Metadata();
                            headers.put(
                                    AUTHORIZATION,
                                    "Bearer " + token.accessToken().secret());
                            applier.apply(headers);
                        },
                        error -> applier.fail(Status.UNAUTHENTICATED
                                .withDescription(error.getMessage())
                                .withCause(error)));
    }

    static CompletionStage<String> get(TokenSource tokens, java.net.http.HttpClient client, URI uri) {
        return tokens.withToken(token -> Mono.fromCompletionStage(() -> client.sendAsync(
                                HttpRequest.newBuilder(uri)
                                        .header(
                                                "Authorization",
                                                "Bearer " + token.accessToken().secret())
                                        .build(),
                                HttpResponse.BodyHandlers.ofString()))
                        .map(response -> {
                            if (response.statusCode() == 401) {
                                throw new TokenRejectedException(); // refresh once, call once more
                            }
                            return response.body();
                        }))
                .toFuture();
    }
}
