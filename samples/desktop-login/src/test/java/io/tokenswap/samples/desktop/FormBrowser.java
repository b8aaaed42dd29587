package io.tokenswap.samples.desktop;

import io.tokenswap.callback.Browser;
import java.io.IOException;
import java.net.URI;
import java.util.Collection;
import org.jsoup.Connection;
import org.jsoup.Jsoup;
import org.jsoup.nodes.Document;
import org.jsoup.nodes.Element;
import org.jsoup.nodes.FormElement;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/**
 * A browser with a person before it, who signs in and then presses the first button of every page, which is the one that says
 * yes. Each login is its own browser, without the cookies of the others.
 *
 * @param denies true for a person who says no where a page offers it
 */
record FormBrowser(String user, String password, boolean denies) implements Browser {

    private static final int MOST_REQUESTS = 20;
    private static final int TIMEOUT_MILLIS = 120_000;
    private static final String NO = "#deny, [name=cancel]";

    FormBrowser(String user, String password) {
        this(user, password, false);
    }

    FormBrowser denying() {
        return new FormBrowser(user, password, true);
    }

    @Override
    public Mono<Void> open(URI authorizeUri) {
        return Mono.fromCallable(() -> browse(authorizeUri))
                .subscribeOn(Schedulers.boundedElastic())
                .then();
    }

    /** The page at which nothing leads on. */
    private Document browse(URI authorizeUri) throws IOException {
        CookieJar cookies = new CookieJar();
        Connection request = Jsoup.connect(authorizeUri.toString());
        for (int requests = 0; requests < MOST_REQUESTS; requests++) {
            Connection.Response response = send(request, cookies);
            Document page = response.parse();
            if (response.hasHeader("Location")) {
                request = Jsoup.connect(URI.create(page.location())
                        .resolve(response.header("Location"))
                        .toString());
            } else if (page.selectFirst("form[method=post]") instanceof FormElement form) {
                request = submission(form);
            } else {
                return page;
            }
        }
        throw new IOException("The sign-in never ends");
    }

    private static Connection.Response send(Connection request, CookieJar cookies) throws IOException {
        URI uri = URI.create(request.request().url().toString());
        String cookie = cookies.header(uri);
        if (!cookie.isEmpty()) {
            request.header("Cookie", cookie);
        }
        Connection.Response response =
                request.followRedirects(false).timeout(TIMEOUT_MILLIS).execute();
        cookies.keep(uri, response.headers("Set-Cookie"));
        return response;
    }

    private Connection submission(FormElement form) {
        form.select("[name=username]").val(user);
        form.select("[name=password]").val(password);
        Collection<Connection.KeyVal> fields = form.formData();
        Connection submission = Jsoup.connect(form.absUrl("action"))
                .method(Connection.Method.POST)
                .data(fields);
        Element no = denies ? form.selectFirst(NO) : null;
        Element button = no == null ? form.selectFirst("button[name]") : no;
        return button == null ? submission : submission.data(button.attr("name"), button.val());
    }
}
