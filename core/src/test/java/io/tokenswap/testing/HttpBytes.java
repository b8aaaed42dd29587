package io.tokenswap.testing;

import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Reader of as much of HTTP/1.1 as is needed to find the end of a message with {@code Content-Length}. */
final class HttpBytes {

    /** Two line breaks. */
    private static final int END_OF_HEAD = 0x0D0A0D0A;

    private static final Pattern LENGTH = Pattern.compile("(?i)\r\ncontent-length: *([0-9]+)");

    private HttpBytes() {}

    /**
     * Reads one whole message.
     *
     * @throws EOFException if it breaks off
     */
    static byte[] readMessage(InputStream in) throws IOException {
        ByteArrayOutputStream message = new ByteArrayOutputStream();
        int last = 0;
        while (last != END_OF_HEAD) {
            int b = in.read();
            if (b < 0) {
                throw new EOFException("The other side has gone");
            }
            message.write(b);
            last = last << 8 | b;
        }
        Matcher length = LENGTH.matcher(message.toString(StandardCharsets.ISO_8859_1));
        int expected = length.find() ? Integer.parseInt(length.group(1)) : 0;
        byte[] body = in.readNBytes(expected);
        if (body.length < expected) {
            throw new EOFException("The other side has gone in the middle of a body");
        }
        message.write(body);
        return message.toByteArray();
    }

    /** Returns the length of the head of a message. */
    static int headLength(byte[] message) {
        return new String(message, StandardCharsets.ISO_8859_1).indexOf("\r\n\r\n") + 4;
    }
}
