package io.tokenswap.http;

import io.netty.channel.ConnectTimeoutException;
import io.netty.handler.codec.DecoderException;
import io.netty.handler.proxy.ProxyConnectException;
import io.netty.handler.timeout.ReadTimeoutException;
import io.tokenswap.TokenUnavailableException;
import io.tokenswap.TokenUnavailableException.Reason;
import java.net.ConnectException;
import java.net.UnknownHostException;
import java.util.concurrent.TimeoutException;
import javax.net.ssl.SSLException;

/** Meaning of an error for a request without a complete response. */
final class TransportFailure {

    private TransportFailure() {}

    /**
     * Returns the exception for the caller.
     *
     * @param left true if any byte of the request may have left
     */
    static TokenUnavailableException of(TokenServer server, Throwable error, boolean left, boolean proxied) {
        if (!left) {
            return new TokenUnavailableException(
                    server + " could not be reached: " + obstacle(server, error, proxied),
                    Reason.NOT_SENT,
                    null,
                    error);
        }
        if (isUndecodable(error)) {
            // The error of a decoder quotes what it could not decode, so it must not become the cause.
            return new TokenUnavailableException(
                    server + " sent something that is not HTTP. Check the URL.", Reason.INVALID_RESPONSE, null, null);
        }
        String what = isTimeout(error) ? " did not respond in time" : " closed the connection before it had responded";
        return new TokenUnavailableException(
                server + what + ". It may have processed the request.", Reason.RESPONSE_LOST, null, error);
    }

    private static String obstacle(TokenServer server, Throwable error, boolean proxied) {
        String address = EndpointUri.hostAndPort(server.uri());
        if (error instanceof UnknownHostException) {
            // A proxy resolves the name of the server itself, unless the client excepts that server.
            if (proxied
                    && !String.valueOf(error.getMessage()).contains(server.uri().getHost())) {
                return "the name of the proxy is unknown. Check the proxy of the HttpClient.";
            }
            return "the name of " + address + " is unknown. Is the URL right, and the network up?";
        }
        // Over TLS the first failure is the handshake, which the proxy's refusal has ended.
        if (error instanceof ProxyConnectException || error.getCause() instanceof ProxyConnectException) {
            return "the proxy would not connect to " + address + ". Check the proxy of the HttpClient.";
        }
        if (error instanceof SSLException) {
            return address + " and this client agree on no TLS connection. Check the certificate and the URL.";
        }
        if (error.getClass().getSimpleName().startsWith("PoolAcquire")) {
            return "all connections of the pool are in use, before " + address
                    + " was asked. Raise maxConnections of the" + " ConnectionProvider.";
        }
        if (proxied && (error instanceof ConnectException || error instanceof ConnectTimeoutException)) {
            return "the proxy did not accept a connection. Is the proxy of the HttpClient running, and is its address right?";
        }
        if (error instanceof ConnectTimeoutException) {
            return address + " did not accept a connection in time. Is the URL right, and no firewall in between?";
        }
        if (isTimeout(error)) {
            return "there was no connection to " + address
                    + " in time. Is the URL right, no firewall in between, and a connection of" + " the pool free?";
        }
        if (error instanceof ConnectException) {
            return "nothing listens at " + address + ". Is it running, and is the URL right?";
        }
        return "the connection to " + address + " failed before the request was sent ("
                + error.getClass().getSimpleName() + "). Is it running, and is the URL right?";
    }

    /** Returns true for an error of Netty's HTTP decoder. A TLS error is also reported as a decoder error. */
    private static boolean isUndecodable(Throwable error) {
        return error instanceof IllegalArgumentException
                || (error instanceof DecoderException && !(error.getCause() instanceof SSLException));
    }

    private static boolean isTimeout(Throwable error) {
        return error instanceof TimeoutException
                || error instanceof ReadTimeoutException
                || error instanceof ConnectTimeoutException;
    }
}
