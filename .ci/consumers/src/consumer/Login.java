package consumer;

import io.tokenswap.callback.Browser;
import io.tokenswap.callback.LoginFlow;
import io.tokenswap.callback.LoopbackReceiver;
import io.tokenswap.http.BearerAuthentication;
import io.tokenswap.http.ExchangeServerEndpoint;
import io.tokenswap.session.TokenSession;
import java.net.CookieManager;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import reactor.core.publisher.Mono;
import reactor.netty.http.client.HttpClient;

/** Signs in, refreshes and calls the API, as an application outside of the build. Arguments: exchange server, API, port. */
public final class Login {

    private Login() {}

    public static void main(String[] args) {
        TokenSession session = LoginFlow.create(ExchangeServerEndpoint.create(args[0]))
                .receiver(LoopbackReceiver.create().ports(Integer.parseInt(args[2])))
                .browser(thatFollowsRedirects())
                .scopes("user-read-private")
                .timeout(Duration.ofSeconds(30))
                .login()
                .block();
        String first = session.token().block().accessToken().secret();
        String second = session.refresh().block().accessToken().secret();
        if (first.equals(second)) {
            throw new AssertionError("The refresh brought the same token");
        }
        HttpClient api = BearerAuthentication.apply(HttpClient.create().baseUrl(args[1]), session);
        String me = api.get().uri("/v1/me").responseContent().aggregate().asString().block();
        if (!me.contains("\"id\"")) {
            throw new AssertionError("The API does not know the user");
        }
        session.disposeLater().block();
        System.out.println("signed in");
    }

    private static Browser thatFollowsRedirects() {
        java.net.http.HttpClient browser = java.net.http.HttpClient.newBuilder()
                .followRedirects(java.net.http.HttpClient.Redirect.ALWAYS)
                .cookieHandler(new CookieManager())
                .build();
        // The login ends while the browser still reads the page, and then cancels this.
        return uri -> Mono.fromFuture(
                        () -> browser.sendAsync(HttpRequest.newBuilder(uri).build(), BodyHandlers.ofString()), true)
                .then();
    }
}
