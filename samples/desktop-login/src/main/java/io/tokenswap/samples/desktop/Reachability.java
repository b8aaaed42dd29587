package io.tokenswap.samples.desktop;

import io.netty.channel.ChannelOption;
import io.tokenswap.TokenUnavailableException;
import io.tokenswap.TokenUnavailableException.Reason;
import java.net.URI;
import java.net.UnknownHostException;
import reactor.core.publisher.Mono;
import reactor.netty.Connection;
import reactor.netty.tcp.TcpClient;

/**
 * Check that a server listens at the login page, before the browser is sent there. Otherwise only the browser would show the
 * error, and the program would wait until the timeout.
 */
final class Reachability {

    private static final int CONNECT_MILLIS = 5000;

    private Reachability() {}

    /**
     * Connects and sends nothing.
     *
     * @param server the name of the server in a message
     * @param option the option that names the page
     */
    static Mono<Void> check(URI page, String server, String option) {
        return TcpClient.newConnection()
                .host(page.getHost())
                .port(port(page))
                .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, CONNECT_MILLIS)
                .connect()
                .doOnNext(Connection::dispose)
                .onErrorMap(error -> new TokenUnavailableException(
                        "The " + server + " could not be reached: "
                                + (error instanceof UnknownHostException ? "the name of " : "nothing listens at ")
                                + page.getHost() + ":" + port(page)
                                + (error instanceof UnknownHostException ? " is unknown." : ".")
                                + " Is it running, and is " + option + " right?",
                        Reason.NOT_SENT,
                        null,
                        error))
                .then();
    }

    private static int port(URI page) {
        return page.getPort() >= 0 ? page.getPort() : "https".equalsIgnoreCase(page.getScheme()) ? 443 : 80;
    }
}
