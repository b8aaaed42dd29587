package io.tokenswap.testing;

/** Position in an exchange at which a {@link Fault} strikes. */
public enum Position {

    /** The connection stands, and nothing of the request has been taken. */
    BEFORE_THE_REQUEST,
    /** The server has half of the request. */
    INSIDE_THE_REQUEST,
    /** The server has responded, and the client has nothing of the response. */
    AFTER_THE_REQUEST,
    /** The client has half of the head of the response. */
    IN_THE_HEADERS,
    /** The client has the head of the response and half of its body. */
    IN_THE_BODY,
    /** All but one byte of the response has arrived. */
    BEFORE_THE_LAST_BYTE;

    boolean isBeforeAnything() {
        return this == BEFORE_THE_REQUEST;
    }

    /** Returns true if the server has not got the whole request. */
    public boolean isInTheRequest() {
        return this == BEFORE_THE_REQUEST || this == INSIDE_THE_REQUEST;
    }

    /** Number of bytes of the request, or of the response, that get through. */
    int in(byte[] message) {
        int head = HttpBytes.headLength(message);
        return switch (this) {
            case BEFORE_THE_REQUEST, AFTER_THE_REQUEST -> 0;
            case INSIDE_THE_REQUEST -> message.length / 2;
            case IN_THE_HEADERS -> head / 2;
            case IN_THE_BODY -> head + (message.length - head) / 2;
            case BEFORE_THE_LAST_BYTE -> message.length - 1;
        };
    }
}
