package io.tokenswap.http;

import java.net.URI;

/**
 * Whom a request goes to, for the messages of what can go wrong.
 *
 * @param role what it is in words
 * @param uri the endpoint
 * @param hint what else may be wrong when it refuses, a sentence with a space in front, or nothing
 */
record Peer(String role, URI uri, String hint) {

    /** What the server is called in a message. */
    @Override
    public String toString() {
        return "The " + role + " at " + EndpointUri.display(uri);
    }
}
