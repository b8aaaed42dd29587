package io.tokenswap.samples.exchange;

import io.tokenswap.samples.exchange.limit.TrustedProxies;
import java.net.InetAddress;
import java.util.concurrent.ThreadLocalRandom;
import java.util.regex.Pattern;
import reactor.netty.http.server.HttpServerRequest;

/**
 * Origin of a request.
 *
 * @param address the address of the client, taken from a header only if the proxy is listed
 * @param requestId names the request in the response and in the log; of a listed proxy, the proxy's own
 */
record Caller(InetAddress address, String requestId) {

    static final String REQUEST_ID = "X-Request-Id";

    private static final Pattern ID = Pattern.compile("[A-Za-z0-9._-]{8,64}");

    static Caller of(HttpServerRequest request, TrustedProxies proxies) {
        InetAddress peer =
                request.remoteAddress() == null ? null : request.remoteAddress().getAddress();
        if (peer == null) {
            peer = InetAddress.getLoopbackAddress();
        }
        boolean proxied = proxies.contains(peer);
        String named = proxied ? request.requestHeaders().get(REQUEST_ID) : null;
        return new Caller(
                proxied ? proxies.client(peer, request.requestHeaders().getAll("X-Forwarded-For")) : peer,
                // Not a secret, and two equal ids do no harm: a fast generator is enough.
                named != null && ID.matcher(named).matches()
                        ? named
                        : Long.toHexString(ThreadLocalRandom.current().nextLong() | Long.MIN_VALUE));
    }
}
