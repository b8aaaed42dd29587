package io.tokenswap.samples.quickstart;

import io.tokenswap.callback.Browser;
import io.tokenswap.callback.LoginFlow;
import io.tokenswap.http.BearerAuthentication;
import io.tokenswap.http.ExchangeServerEndpoint;
import io.tokenswap.session.TokenSession;
import io.tokenswap.store.FileTokenStore;
import java.nio.file.Path;
import reactor.core.publisher.Mono;
import reactor.netty.http.client.HttpClient;

/** Command line program: keeps the token in a file, signs in only when needed, and signs out. */
class Cli {
    public static void main(String[] args) {
        LoginFlow login = LoginFlow.create(ExchangeServerEndpoint.create("https://auth.example.com"))
                .scopes("user-read-private")
                .browser(Browser.system().orElse(Browser.printing(uri -> System.err.println("Open " + uri))))
                .store(FileTokenStore.ofFile(Path.of(System.getProperty("user.home"), ".spotify", "token")))
                .loginAgain(); // an ended grant opens the browser instead of failing
        if (args.length > 0 && args[0].equals("sign-out")) {
            login.signOut().block();
        } else {
            System.out.println(Mono.usingWhen(login.restoreOrLogin(), Cli::me, TokenSession::disposeLater)
                    .block());
        }
    }

    static Mono<String> me(TokenSession session) {
        return BearerAuthentication.apply(HttpClient.create().baseUrl("https://api.spotify.com"), session)
                .get()
                .uri("/v1/me")
                .responseContent()
                .aggregate()
                .asString();
    }
}
