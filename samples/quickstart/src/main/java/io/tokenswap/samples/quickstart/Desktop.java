package io.tokenswap.samples.quickstart;

import io.tokenswap.callback.Browser;
import io.tokenswap.callback.LoginFlow;
import io.tokenswap.http.BearerAuthentication;
import io.tokenswap.http.ExchangeServerEndpoint;
import io.tokenswap.session.TokenSession;
import reactor.netty.http.client.HttpClient;

/** Desktop program: signs the user in with the system's browser and calls an API. The README begins with it. */
class Desktop {
    public static void main(String[] args) {
        TokenSession session = LoginFlow.create(ExchangeServerEndpoint.create("https://auth.example.com"))
                .scopes("user-read-private")
                .browser(Browser.system().orElse(Browser.printing(uri -> System.out.println("Open " + uri))))
                .login() // nothing has happened yet
                .block(); // bind http://localhost:4002/auth, open the browser, wait, swap, free the port
        HttpClient api = BearerAuthentication.apply(HttpClient.create().baseUrl("https://api.spotify.com"), session);
        System.out.println(
                api.get().uri("/v1/me").responseContent().aggregate().asString().block());
        session.disposeLater().block();
    }
}
