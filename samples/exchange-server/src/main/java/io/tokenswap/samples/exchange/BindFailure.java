package io.tokenswap.samples.exchange;

import io.netty.util.NetUtil;
import java.util.Locale;

/** Explains why the server cannot listen, by cause. */
final class BindFailure {

    private BindFailure() {}

    static String explain(Throwable failure, ExchangeServerConfig config) {
        StringBuilder messages = new StringBuilder();
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            messages.append(cause.getMessage()).append('\n');
        }
        String address = NetUtil.toAddressString(config.bindAddress);
        String text = messages.toString().toLowerCase(Locale.ROOT);
        if (text.contains("permission denied") || text.contains("eacces")) {
            return "PORT " + config.port
                    + " is below 1024, and this user may not listen there: use a port from 1024 on,"
                    + " behind a proxy, or grant CAP_NET_BIND_SERVICE";
        }
        if (text.contains("assign requested address") || text.contains("addrnotavail")) {
            return "BIND_ADDRESS " + address + " is not an address of this machine: use 0.0.0.0 for all of them";
        }
        return "PORT " + config.port + " is in use on BIND_ADDRESS " + address
                + ": end what listens there or choose another port";
    }
}
