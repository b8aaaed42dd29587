package io.tokenswap.spring;

import static org.assertj.core.api.Assertions.assertThat;

import io.tokenswap.AuthorizationCode;
import io.tokenswap.AuthorizationRequest;
import io.tokenswap.AuthorizationResponse;
import io.tokenswap.RefreshToken;
import io.tokenswap.Token;
import io.tokenswap.TokenEndpoint;
import java.net.URI;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.util.context.Context;
import reactor.util.context.ContextView;

/** The swap of a redirect, which belongs to no request. */
class RedirectsTest {

    private static final Token TOKEN = Token.builder("access", Instant.EPOCH).build();
    private static final Function<Token, Mono<String>> SIGN_IN = token -> Mono.just("alice");

    private final Sinks.One<Token> response = Sinks.one();
    private final List<ContextView> swaps = new ArrayList<>();
    private final List<String> users = new ArrayList<>();
    private final Redirects redirects = new Redirects(new TokenEndpoint() {
        @Override
        public Mono<Token> swap(AuthorizationCode code) {
            return Mono.deferContextual(context -> {
                swaps.add(context);
                return response.asMono();
            });
        }

        @Override
        public Mono<Token> refresh(RefreshToken refreshToken) {
            throw new AssertionError("A redirect refreshes nothing");
        }
    });

    private static AuthorizationCode code() {
        AuthorizationRequest request = AuthorizationRequest.builder(URI.create("https://auth.example.com/authorize"))
                .build(URI.create("http://127.0.0.1/auth"));
        String state = request.uri().getQuery().replaceAll(".*\\bstate=([^&]*).*", "$1");
        AuthorizationResponse response = request.validate("code=a&state=" + state);
        return ((AuthorizationResponse.Granted) response).code();
    }

    @Test
    @Tag("E51")
    void continuesWhenTheBrowserIsGoneAndServesItsRepetition() {
        AuthorizationCode code = code();
        redirects.finish("login", code, SIGN_IN).subscribe().dispose();
        response.tryEmitValue(TOKEN);

        redirects.finish("login", code, SIGN_IN).subscribe(users::add);

        assertThat(users).containsExactly("alice");
        assertThat(swaps).hasSize(1);
    }

    @Test
    void signsTheUserInThoughTheBrowserIsGone() {
        redirects
                .finish(
                        "login",
                        code(),
                        token -> Mono.fromSupplier(() -> {
                            users.add("alice");
                            return "alice";
                        }))
                .subscribe()
                .dispose();

        response.tryEmitValue(TOKEN);

        assertThat(users).containsExactly("alice");
    }

    /** It may hold the principal of one of several browsers. */
    @Test
    void hasNotTheContextOfTheRequest() {
        redirects
                .finish(
                        "login",
                        code(),
                        token -> Mono.deferContextual(context -> {
                            swaps.add(context);
                            return Mono.just("alice");
                        }))
                .contextWrite(Context.of("principal", "alice"))
                .subscribe(users::add);
        response.tryEmitValue(TOKEN);

        assertThat(users).containsExactly("alice");
        assertThat(swaps).hasSize(2).allMatch(ContextView::isEmpty);
    }
}
