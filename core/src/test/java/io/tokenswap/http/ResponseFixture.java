package io.tokenswap.http;

import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.netty.handler.codec.http.DefaultHttpHeaders;
import io.netty.handler.codec.http.HttpHeaders;
import io.tokenswap.Token;
import io.tokenswap.TokenSwapException;
import java.net.URI;
import java.nio.charset.StandardCharsets;

/** Common parts of the tests of responses. The request is a swap unless a test says otherwise. */
abstract class ResponseFixture {

    static final TokenServer PEER = new TokenServer(
            "exchange server", URI.create("https://auth.example.com/swap?code=canary-key"), " Try SINGLE_URI.");
    static final TokenRequest SWAP = TokenRequest.swap(PEER, Encoding.JSON, Samples.CODE);

    static final TokenRequest REFRESH = TokenRequest.refresh(PEER, Encoding.JSON, Samples.REFRESH_TOKEN);

    static TokenResponse response(int status, HttpHeaders headers, byte[] body) {
        return new TokenResponse(SWAP, status, headers, body);
    }

    static Token read(int status, String body) {
        return read(SWAP, status, body);
    }

    static Token read(TokenRequest request, int status, String body) {
        return read(
                new TokenResponse(request, status, new DefaultHttpHeaders(), body.getBytes(StandardCharsets.UTF_8)));
    }

    static Token read(TokenResponse response) {
        return response.token(Samples.NOW, Samples.NOW);
    }

    static String outcome(int status, String body) {
        return Outcomes.of(() -> read(status, body));
    }

    static TokenSwapException failure(int status, String body) {
        return catchThrowableOfType(TokenSwapException.class, () -> read(status, body));
    }
}
