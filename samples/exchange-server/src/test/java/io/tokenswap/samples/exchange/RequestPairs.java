package io.tokenswap.samples.exchange;

import java.util.Random;

/**
 * Generates pairs of requests: one whose length proxies and servers may read differently, with a request hidden in its
 * body, and one behind it.
 */
final class RequestPairs {

    static final String HIDDEN = "/hidden";

    private static final String HIDDEN_REQUEST = "GET " + HIDDEN + " HTTP/1.1\r\nHost: a\r\n\r\n";
    private static final String FOLLOWS = "GET /health/live HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

    private static final String[] ENCODINGS = {
        "chunked",
        " chunked",
        "chunked ",
        "\tchunked",
        "xchunked",
        "chunked, identity",
        "identity",
        "gzip, chunked",
        "Chunked",
        "chunked\u000b",
        "\"chunked\"",
        "chunked;q=1",
        "",
        "chunked,",
        ",chunked",
        "chunked\0",
        "chu\u00ffnked"
    };
    private static final String[] ENCODING_NAMES = {
        "Transfer-Encoding",
        "Transfer-Encoding ",
        "transfer-encoding",
        " Transfer-Encoding",
        "Transfer_Encoding",
        "Transfer-Encoding\t",
        "X: y\r\n Transfer-Encoding",
        "TRANSFER-ENCODING",
        "\u000bTransfer-Encoding"
    };
    private static final String[] LENGTHS = {
        "%d", "%d", "+%d", "0x%x", "%d,%d", "-%d", "%d ", " %d", "%d\t", "00%d", "%d.0", "%de0"
    };

    private final Random random;

    RequestPairs(long seed) {
        this.random = new Random(seed);
    }

    String next() {
        boolean chunks = random.nextBoolean();
        String body = chunks
                ? random.nextBoolean()
                        ? "0\r\n\r\n" + HIDDEN_REQUEST
                        : Integer.toHexString(HIDDEN_REQUEST.length()) + "\r\n" + HIDDEN_REQUEST + "\r\n0\r\n\r\n"
                : HIDDEN_REQUEST;
        String name = of(ENCODING_NAMES);
        String encoding = random.nextInt(3) == 0 ? null : of(ENCODINGS);
        // Without either, the body would be no body, and the hidden request no hidden one.
        boolean needsLength = encoding == null || !name.equalsIgnoreCase("Transfer-Encoding");
        StringBuilder head = new StringBuilder("POST /swap HTTP/1." + (random.nextInt(5) == 0 ? "0" : "1"));
        String end = random.nextInt(8) == 0 ? "\n" : "\r\n";
        head.append(end).append("Host: a").append(end);
        if (needsLength || random.nextBoolean()) {
            length(head, body, end);
            if (random.nextInt(4) == 0) {
                length(head, random.nextBoolean() ? body : body + " ", end);
            }
        }
        if (encoding != null) {
            head.append(name).append(": ").append(encoding).append(end);
        }
        if (random.nextInt(4) == 0) {
            head.append("Content-Type: application/x-www-form-urlencoded").append(end);
        }
        return head.append(end).append(body).append(FOLLOWS).toString();
    }

    private void length(StringBuilder head, String body, String end) {
        int length = body.length();
        head.append("Content-Length: ")
                .append(String.format(of(LENGTHS), length, length))
                .append(end);
    }

    private String of(String[] all) {
        return all[random.nextInt(all.length)];
    }
}
