package io.tokenswap.samples.exchange.limit;

import io.netty.util.NetUtil;
import java.net.InetAddress;
import java.net.UnknownHostException;
import org.jspecify.annotations.Nullable;

/**
 * A range of addresses in CIDR notation, for example {@code 10.0.0.0/8}; an address alone is a range of one.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc4632#section-3.1">RFC 4632 section 3.1</a>
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
public record AddressRange(byte[] network, int prefix) {

    static AddressRange parse(String text) {
        int slash = text.indexOf('/');
        String address = slash < 0 ? text : text.substring(0, slash);
        byte[] network = NetUtil.createByteArrayFromIpAddressString(address);
        if (network == null) {
            throw new IllegalArgumentException("is not a list of IP addresses and ranges such as 10.0.0.0/8");
        }
        int longest = network.length * Byte.SIZE;
        String prefix = slash < 0 ? String.valueOf(longest) : text.substring(slash + 1);
        if (!prefix.matches("[0-9]{1,3}") || Integer.parseInt(prefix) > longest) {
            throw new IllegalArgumentException("holds a range whose prefix is not from 0 to " + longest);
        }
        return new AddressRange(network, Integer.parseInt(prefix));
    }

    boolean contains(InetAddress address) {
        byte[] bytes = address.getAddress();
        if (bytes.length != network.length) {
            return false;
        }
        for (int bit = 0; bit < prefix; bit += Byte.SIZE) {
            int mask = prefix - bit >= Byte.SIZE ? 0xFF : 0xFF << (Byte.SIZE - (prefix - bit));
            if (((bytes[bit / Byte.SIZE] ^ network[bit / Byte.SIZE]) & mask) != 0) {
                return false;
            }
        }
        return true;
    }

    /** Returns the address that a text denotes, without a look-up of names. Returns null for any other text. */
    static @Nullable InetAddress address(String text) {
        byte[] bytes = NetUtil.createByteArrayFromIpAddressString(text);
        try {
            return bytes == null ? null : InetAddress.getByAddress(bytes);
        } catch (UnknownHostException e) {
            throw new IllegalStateException("Only a wrong length is refused", e);
        }
    }
}
