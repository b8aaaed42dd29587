package io.tokenswap.testing;

/** Where in an exchange a {@link Fault} strikes. */
public enum Position {

    /** The connection stands, and nothing of the request has been taken. */
    BEFORE_THE_REQUEST,
    /** The server has half of the request. */
    INSIDE_THE_REQUEST,
    /** The server has answered, and the client has nothing of it. */
    AFTER_THE_REQUEST,
    /** The client has half of the answer's head. */
    IN_THE_HEADERS,
    /** The client has the answer's head and half of its body. */
    IN_THE_BODY,
    /** All but one byte of the answer has arrived. */
    BEFORE_THE_LAST_BYTE;

    boolean isBeforeAnything() {
        return this == BEFORE_THE_REQUEST;
    }

    /** Whether the server has not got the whole request. */
    public boolean isInTheRequest() {
        return this == BEFORE_THE_REQUEST || this == INSIDE_THE_REQUEST;
    }

    /** How many bytes of the request, or of the answer, get through. */
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
