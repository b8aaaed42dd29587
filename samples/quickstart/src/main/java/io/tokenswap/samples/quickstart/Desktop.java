package io.tokenswap.samples.quickstart;

import io.tokenswap.callback.LoginFlow;
import io.tokenswap.http.BearerAuthentication;
import io.tokenswap.http.ExchangeServerEndpoint;
import io.tokenswap.session.TokenSession;
import reactor.netty.http.client.HttpClient;

/** Desktop program: signs the user in with the system's browser and calls an API. */
class Desktop {
    public static void main(String[] args) {
        TokenSession session = LoginFlow.create(ExchangeServerEndpoint.create("https://auth.example.com"))
                .scopes("user-read-private")
                .login()
                .block();
        HttpClient api = BearerAuthentication.apply(HttpClient.create().baseUrl("https://api.spotify.com"), session);
        System.out.println(
                api.get().uri("/v1/me").responseContent().aggregate().asString().block());
        session.disposeLater().block();
    }
}
