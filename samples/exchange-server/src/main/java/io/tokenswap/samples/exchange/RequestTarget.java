package io.tokenswap.samples.exchange;

import java.util.Map;
import reactor.netty.http.server.HttpServerRequest;

/** The path and query of a request as they came: nothing is decoded or normalised before it is compared. */
record RequestTarget(String path, String query) {

    static RequestTarget of(HttpServerRequest request) {
        String target = request.uri();
        int mark = target.indexOf('?');
        return mark < 0
                ? new RequestTarget(target, "")
                : new RequestTarget(target.substring(0, mark), target.substring(mark + 1));
    }

    static String path(HttpServerRequest request) {
        String target = request.uri();
        int mark = target.indexOf('?');
        return mark < 0 ? target : target.substring(0, mark);
    }

    static boolean hasQuery(HttpServerRequest request) {
        String target = request.uri();
        int mark = target.indexOf('?');
        return mark >= 0 && mark < target.length() - 1;
    }

    Map<String, String> parameters() {
        return Parameters.ofQuery(query);
    }
}
