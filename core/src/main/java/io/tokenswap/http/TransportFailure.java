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

/** What it means when no complete answer came. */
final class TransportFailure {

    private TransportFailure() {}

    /**
     * The failure for the caller.
     *
     * @param left whether any of the request may have left
     */
    static TokenUnavailableException of(Peer peer, Throwable error, boolean left, boolean proxied) {
        if (!left) {
            return new TokenUnavailableException(
                    peer + " could not be reached: " + obstacle(peer, error, proxied), Reason.NOT_SENT, null, error);
        }
        if (isUndecodable(error)) {
            // A decoder's complaint quotes what it could not decode, so that it is no cause to keep.
            return new TokenUnavailableException(
                    peer + " sent something that is not HTTP. Check the URL.", Reason.INVALID_RESPONSE, null, null);
        }
        String what = isTimeout(error) ? " did not respond in time" : " closed the connection before it had responded";
        return new TokenUnavailableException(
                peer + what + ". It may have processed the request.", Reason.RESPONSE_LOST, null, error);
    }

    private static String obstacle(Peer peer, Throwable error, boolean proxied) {
        String address = EndpointUri.hostAndPort(peer.uri());
        if (error instanceof UnknownHostException) {
            return "the name of " + address + " is unknown. Is the URL right, and the network up?";
        }
        // Over TLS the handshake that the proxy's refusal ended is what fails first.
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
        return "no connection to " + address + " was to be had. Is it running, and is the URL right?";
    }

    /** What Netty's decoder of HTTP fails with. Broken TLS comes as a decoder's failure too. */
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
