package io.tokenswap.http;

import java.net.URI;

/**
 * Whom a request goes to, for the messages of what can go wrong.
 *
 * @param role what it is in words
 * @param uri the endpoint
 * @param hint what else may be wrong when it refuses, a sentence with a space in front, or nothing
 * @param strict whether its tokens have to come in the form that the RFC prescribes
 */
record Peer(String role, URI uri, String hint, boolean strict) {

    /** One whose tokens may come in any form that deployed servers send. */
    Peer(String role, URI uri, String hint) {
        this(role, uri, hint, false);
    }

    /** What the server is called in a message. */
    @Override
    public String toString() {
        return "The " + role + " at " + EndpointUri.display(uri);
    }
}
