package io.tokenswap.samples.exchange.connection;

import java.time.Duration;

/**
 * The bounds of a connection.
 *
 * @param connections the most connections in all
 * @param connectionsPerAddress the most connections of one address
 * @param head the time for the head of a request
 * @param body the time for its body
 * @param response the time for the client to take the response
 * @param keepAlive the life of an idle connection after a response
 * @param longestBody the most bytes of a body
 */
public record ConnectionLimits(
        int connections,
        int connectionsPerAddress,
        Duration head,
        Duration body,
        Duration response,
        Duration keepAlive,
        int longestBody) {

    /** The most requests of a connection that wait for their responses. They are held in memory. */
    static final int UNANSWERED = 16;

    /** The most that is read of a body that no handler wants. */
    static final int UNREAD_BYTES = 64 * 1024;

    /** The longest time that is spent on it. */
    static final Duration UNREAD_TIME = Duration.ofSeconds(2);
}
