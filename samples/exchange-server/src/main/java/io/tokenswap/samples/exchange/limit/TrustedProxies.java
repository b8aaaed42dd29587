package io.tokenswap.samples.exchange.limit;

import java.net.InetAddress;
import java.util.Arrays;
import java.util.List;

/**
 * Proxies whose header with the address of a client is trusted. The header of any other sender is ignored, or every client
 * could claim any address.
 */
public record TrustedProxies(List<AddressRange> ranges) {

    /** No proxy. */
    public static final TrustedProxies NONE = new TrustedProxies(List.of());

    /** Parses addresses and ranges, separated by commas. */
    public static TrustedProxies parse(String text) {
        return new TrustedProxies(Arrays.stream(text.split(",", -1))
                .map(String::strip)
                .map(AddressRange::parse)
                .toList());
    }

    /** Returns true for the address of a proxy. */
    public boolean contains(InetAddress address) {
        for (AddressRange range : ranges) {
            if (range.contains(address)) {
                return true;
            }
        }
        return false;
    }

    /**
     * Finds the address of the client.
     *
     * @param peer the other end of the connection
     * @param forwardedFor the values of {@code X-Forwarded-For}, to which each proxy appends what it saw
     * @return the last address that is not a proxy's; the peer if a proxy named no address
     */
    public InetAddress client(InetAddress peer, List<String> forwardedFor) {
        InetAddress client = peer;
        if (ranges.isEmpty() || !contains(peer)) {
            return client;
        }
        String[] hops = String.join(",", forwardedFor).split(",", -1);
        for (int i = hops.length - 1; i >= 0; i--) {
            InetAddress hop = AddressRange.address(hops[i].strip());
            if (hop == null) {
                return client;
            }
            client = hop;
            if (!contains(hop)) {
                return client;
            }
        }
        return client;
    }
}
