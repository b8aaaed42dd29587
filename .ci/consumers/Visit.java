import java.io.IOException;
import java.net.CookieManager;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;

/**
 * Visits the service of the README as a browser does: signs in on the way to a page, reads the page and the first state,
 * and signs out. Argument: the address of the service.
 */
public final class Visit {

    static {
        System.setProperty("jdk.httpclient.redirects.retrylimit", "20"); // a sign-in has more than five
    }

    private static final HttpClient BROWSER = HttpClient.newBuilder()
            .followRedirects(HttpClient.Redirect.ALWAYS)
            .cookieHandler(new CookieManager())
            .build();

    public static void main(String[] args) throws IOException, InterruptedException {
        URI service = URI.create(args[0]);
        check("a script without a sign-in", 401, get(service.resolve("/me"), "application/json").statusCode());
        HttpResponse<String> me = get(service.resolve("/me"), "text/html,*/*;q=0.8");
        check("the page after the sign-in", 200, me.statusCode());
        check("the user", true, me.body().contains("\"id\""));
        HttpRequest states = HttpRequest.newBuilder(service.resolve("/states")).header("Accept", "text/event-stream").build();
        String first = BROWSER.send(states, BodyHandlers.ofLines()).body().limit(2).reduce("", String::concat);
        check("the first state " + first, true, first.matches("event:state.*\"status\":\"VALID\".*"));
        HttpRequest signOut = HttpRequest.newBuilder(service.resolve("/logout"))
                .header("Sec-Fetch-Site", "same-origin")
                .POST(HttpRequest.BodyPublishers.noBody())
                .build();
        BROWSER.send(signOut, BodyHandlers.discarding());
        check("a script after the sign-out", 401, get(service.resolve("/me"), "application/json").statusCode());
        System.out.println("visited");
        System.exit(0);
    }

    private static HttpResponse<String> get(URI uri, String accept) throws IOException, InterruptedException {
        return BROWSER.send(HttpRequest.newBuilder(uri).header("Accept", accept).build(), BodyHandlers.ofString());
    }

    private static void check(String what, Object expected, Object found) {
        if (!expected.equals(found)) {
            throw new AssertionError(what + ": expected " + expected + ", found " + found);
        }
    }
}
