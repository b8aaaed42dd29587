package io.tokenswap.http;

import io.netty.util.NetUtil;
import java.net.InetAddress;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.UnknownHostException;

/**
 * Rules for a URI to which secrets are sent. No message repeats the whole URI, because its user information is a
 * secret.
 */
final class EndpointUri {

    private EndpointUri() {}

    static URI parse(String uri) {
        try {
            return new URI(uri);
        } catch (URISyntaxException e) {
            throw new IllegalArgumentException("Not a URI: " + e.getReason() + " at index " + e.getIndex());
        }
    }

    /**
     * Returns the URI if secrets may be sent to it.
     *
     * @throws IllegalArgumentException if it breaks a rule; the message names what to fix
     */
    static URI check(String name, URI uri, boolean insecureHttpAllowed) {
        String scheme = uri.getScheme();
        String host = uri.getHost();
        boolean https = "https".equalsIgnoreCase(scheme);
        if (!https && !"http".equalsIgnoreCase(scheme)) {
            throw new IllegalArgumentException(name + " must start with https://");
        }
        if (host == null || uri.getPort() > 0xFFFF) {
            throw new IllegalArgumentException(name + " must name a host, and a port up to 65535 if any" + remedy(uri));
        }
        if (uri.getRawUserInfo() != null || uri.getRawFragment() != null) {
            throw new IllegalArgumentException(name + " must have neither user information nor a fragment");
        }
        if (!https && !insecureHttpAllowed && !isLoopback(host)) {
            throw insecure(name, host);
        }
        return uri;
    }

    /** Names the characters for which Java finds no host in a URI that looks right. */
    private static String remedy(URI uri) {
        String authority = uri.getRawAuthority() == null ? "" : uri.getRawAuthority();
        if (!authority.chars().allMatch(c -> c < 0x80)) {
            return ". Write a host with other than ASCII letters in its xn-- form";
        }
        return authority.indexOf('_') < 0 ? "" : ". The name of a host must not have an underscore";
    }

    static IllegalArgumentException insecure(String name, String host) {
        return new IllegalArgumentException(name + " is plain http to " + host
                + ", where anybody on the way could read the tokens: use https. Only loopback may do without.");
    }

    /**
     * Returns true for a literal loopback address or {@code localhost}. The name is not resolved, because it may
     * resolve to another address tomorrow.
     */
    static boolean isLoopback(String host) {
        byte[] address = NetUtil.createByteArrayFromIpAddressString(host);
        if (address == null) {
            return "localhost".equalsIgnoreCase(host);
        }
        try {
            return InetAddress.getByAddress(address).isLoopbackAddress();
        } catch (UnknownHostException e) {
            throw new IllegalStateException("An address of 4 or 16 bytes is legal", e);
        }
    }

    /** Returns the URI with a longer path. The query stays, because some hosts expect their key there. */
    static URI append(URI base, String path) {
        if (path.isEmpty()) {
            return base;
        }
        String text = base.toString();
        int query = text.indexOf('?');
        String front = query < 0 ? text : text.substring(0, query);
        return URI.create((front.endsWith("/") ? front.substring(0, front.length() - 1) : front)
                + path
                + (query < 0 ? "" : text.substring(query)));
    }

    /** Returns the URI for messages, without its query. */
    static String display(URI uri) {
        String path = uri.getRawPath();
        return uri.getScheme() + "://" + uri.getRawAuthority() + (path == null ? "" : path);
    }

    static String hostAndPort(URI uri) {
        int port = uri.getPort() >= 0 ? uri.getPort() : "https".equalsIgnoreCase(uri.getScheme()) ? 443 : 80;
        return uri.getHost() + ":" + port;
    }
}
