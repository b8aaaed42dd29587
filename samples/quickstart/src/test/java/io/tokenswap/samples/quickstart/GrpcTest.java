package io.tokenswap.samples.quickstart;

import static io.grpc.MethodDescriptor.MethodType.UNARY;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.grpc.CallOptions;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.ServerInterceptors;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.ServerCalls;
import io.tokenswap.LoginRequiredException;
import io.tokenswap.TokenRejectedException;
import io.tokenswap.session.TokenSession;
import io.tokenswap.testing.ScriptedEndpoint;
import io.tokenswap.testing.VirtualClock;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Mono;
import reactor.netty.DisposableServer;
import reactor.netty.http.server.HttpServer;

class GrpcTest {

    private final VirtualClock clock = new VirtualClock();
    private final ScriptedEndpoint exchange = new ScriptedEndpoint(clock, Duration.ofHours(1));
    private final TokenSession session = clock.session(exchange).build(exchange.grant());
    private final List<String> authorizations = Collections.synchronizedList(new ArrayList<>());

    @Nested
    class Credentials {

        private final MethodDescriptor<String, String> greet = MethodDescriptor.<String, String>newBuilder()
                .setType(UNARY)
                .setFullMethodName("test.Greeter/Greet")
                .setRequestMarshaller(new Text())
                .setResponseMarshaller(new Text())
                .build();

        private String greet(CallOptions options) throws Exception {
            Server server = NettyServerBuilder.forAddress(new InetSocketAddress("127.0.0.1", 0))
                    .addService(ServerInterceptors.intercept(
                            ServerServiceDefinition.builder("test.Greeter")
                                    .addMethod(greet, ServerCalls.asyncUnaryCall((name, observer) -> {
                                        observer.onNext("Hello " + name);
                                        observer.onCompleted();
                                    }))
                                    .build(),
                            new Recorder()))
                    .build()
                    .start();
            ManagedChannel channel = NettyChannelBuilder.forAddress("127.0.0.1", server.getPort())
                    .usePlaintext()
                    .build();
            try {
                return ClientCalls.blockingUnaryCall(channel, greet, options, "demo");
            } finally {
                channel.shutdownNow().awaitTermination(10, TimeUnit.SECONDS);
                server.shutdownNow().awaitTermination(10, TimeUnit.SECONDS);
            }
        }

        @Test
        void carryTheCurrentToken() throws Exception {
            assertThat(greet(CallOptions.DEFAULT.withCallCredentials(new Grpc(session))))
                    .isEqualTo("Hello demo");
            clock.advance(Duration.ofHours(1));
            greet(CallOptions.DEFAULT.withCallCredentials(new Grpc(session)));
            assertThat(authorizations).containsExactly("Bearer access-1", "Bearer access-2");
        }

        @Test
        void withoutATokenFailTheCallBeforeItIsSent() {
            exchange.revoke();
            clock.advance(Duration.ofHours(1));
            assertThatThrownBy(() -> greet(CallOptions.DEFAULT.withCallCredentials(new Grpc(session))))
                    .isInstanceOfSatisfying(StatusRuntimeException.class, error -> {
                        assertThat(error.getStatus().getCode()).isEqualTo(Status.Code.UNAUTHENTICATED);
                        assertThat(error.getStatus().getCause()).isInstanceOf(LoginRequiredException.class);
                    });
            assertThat(authorizations).isEmpty();
        }

        private final class Recorder implements ServerInterceptor {
            @Override
            public <Q, R> ServerCall.Listener<Q> interceptCall(
                    ServerCall<Q, R> call, Metadata headers, ServerCallHandler<Q, R> next) {
                authorizations.add(headers.get(Grpc.AUTHORIZATION));
                return next.startCall(call, headers);
            }
        }

        private static final class Text implements MethodDescriptor.Marshaller<String> {
            @Override
            public InputStream stream(String value) {
                return new ByteArrayInputStream(value.getBytes(StandardCharsets.UTF_8));
            }

            @Override
            public String parse(InputStream stream) {
                try {
                    return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            }
        }
    }

    @Nested
    class CompletionStages {

        private String get(String acceptedToken) throws Exception {
            DisposableServer api = HttpServer.create()
                    .host("127.0.0.1")
                    .port(0)
                    .handle((request, response) -> {
                        String authorization = request.requestHeaders().get("Authorization");
                        authorizations.add(authorization);
                        return authorization.equals("Bearer " + acceptedToken)
                                ? response.sendString(Mono.just("Hello demo"))
                                : response.status(401).send();
                    })
                    .bindNow();
            try {
                URI uri = URI.create("http://127.0.0.1:" + api.port());
                return Grpc.get(session, HttpClient.newHttpClient(), uri)
                        .toCompletableFuture()
                        .get(10, TimeUnit.SECONDS);
            } finally {
                api.disposeNow();
            }
        }

        @Test
        void returnTheResponse() throws Exception {
            assertThat(get("access-1")).isEqualTo("Hello demo");
            assertThat(exchange.refreshes()).isZero();
        }

        @Test
        void areCalledOnceMoreWithANewTokenAfterARefusal() throws Exception {
            assertThat(get("access-2")).isEqualTo("Hello demo");
            assertThat(authorizations).containsExactly("Bearer access-1", "Bearer access-2");
        }

        @Test
        void failAfterTheSecondRefusal() {
            assertThatThrownBy(() -> get("none"))
                    .isInstanceOf(ExecutionException.class)
                    .hasCauseInstanceOf(TokenRejectedException.class);
            assertThat(authorizations).containsExactly("Bearer access-1", "Bearer access-2");
        }
    }
}
