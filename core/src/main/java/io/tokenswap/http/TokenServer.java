package io.tokenswap.http;

import java.net.URI;

/**
 * Receiver of a request, for the messages of its failures.
 *
 * @param role the kind of server, in words
 * @param uri the endpoint
 * @param hint another likely cause of a refusal, as a sentence with a space in front, or nothing
 * @param strict true if its tokens have to come in the form that the RFC prescribes
 */
record TokenServer(String role, URI uri, String hint, boolean strict) {

    /** Creates a receiver whose tokens may come in any form that deployed servers send. */
    TokenServer(String role, URI uri, String hint) {
        this(role, uri, hint, false);
    }

    /** Returns the remedy for a request that is wrong because of its client, as a sentence. */
    String configuration() {
        return role.equals("provider")
                ? "Check the client id, secret, redirect URI and scopes, and how they are registered at the provider."
                : "Check the configuration of the exchange server: client id, secret, redirect URI and scopes.";
    }

    /** Returns the name of the server for messages. */
    @Override
    public String toString() {
        return "The " + role + " at " + EndpointUri.display(uri);
    }
}
