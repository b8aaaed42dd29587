package io.tokenswap.testing;

import java.io.IOException;
import java.io.OutputStream;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Fault of the bytes of an exchange, from a position on. */
public enum Fault {

    /** The connection ends in good order. */
    CLOSE {
        @Override
        boolean deliver(Socket client, Socket receiver, byte[] rest) {
            return false;
        }
    },

    /** The connection ends by a reset. */
    RESET {
        @Override
        boolean deliver(Socket client, Socket receiver, byte[] rest) throws IOException {
            client.setSoLinger(true, 0);
            return false;
        }
    },

    /** The client is told that nothing more comes, while it may go on talking. */
    HALF_CLOSE {
        @Override
        boolean deliver(Socket client, Socket receiver, byte[] rest) throws IOException {
            client.shutdownOutput();
            return STALL.deliver(client, receiver, rest);
        }
    },

    /** Nothing more comes through, and the connection stays. */
    STALL {
        @Override
        boolean deliver(Socket client, Socket receiver, byte[] rest) throws IOException {
            client.getInputStream().transferTo(OutputStream.nullOutputStream());
            return false;
        }
    },

    /** Nothing more comes through, and nothing more is taken either. */
    FREEZE {
        @Override
        boolean deliver(Socket client, Socket receiver, byte[] rest) throws IOException {
            try {
                Thread.sleep(Long.MAX_VALUE);
            } catch (InterruptedException disposed) {
                Thread.currentThread().interrupt();
            }
            return false;
        }
    },

    /** A byte comes through now and then. */
    DRIP {
        @Override
        boolean deliver(Socket client, Socket receiver, byte[] rest) throws IOException {
            return oneByOne(client, receiver, rest, 40);
        }
    },

    /** Every byte comes through, in its own packet. */
    FRAGMENT {
        @Override
        boolean deliver(Socket client, Socket receiver, byte[] rest) throws IOException {
            return oneByOne(client, receiver, rest, 0);
        }
    },

    /** Everything comes through, after a while. */
    PAUSE {
        @Override
        boolean deliver(Socket client, Socket receiver, byte[] rest) throws IOException {
            boolean awaited = !isGone(client, 50);
            if (awaited) {
                receiver.getOutputStream().write(rest);
            }
            return awaited;
        }
    },

    /** Bytes that mean nothing come instead, and then the end. */
    NOISE {
        @Override
        boolean deliver(Socket client, Socket receiver, byte[] rest) throws IOException {
            client.getOutputStream().write(noise());
            return false;
        }
    },

    /** Bytes that mean nothing come instead, for as long as anyone listens. */
    FLOOD {
        @Override
        boolean deliver(Socket client, Socket receiver, byte[] rest) throws IOException {
            while (true) {
                client.getOutputStream().write(noise());
            }
        }
    },

    /** A proxy reports that it got no response. */
    BAD_GATEWAY("502 Bad Gateway", "text/html", "<html><h1>Bad gateway</h1></html>"),

    /** A proxy limits the rate of requests. */
    UNAVAILABLE("503 Service Unavailable\r\nRetry-After: 1", "text/plain", "Try again"),

    /** A proxy wants to know who is there. */
    PROXY_REFUSAL("407 Proxy Authentication Required\r\nProxy-Authenticate: Basic", "text/html", "<html>Who?</html>"),

    /** The network wants somebody to sign in. */
    PORTAL("200 OK", "text/html", "<html><form>Welcome to the network</form></html>");

    private final String response;

    Fault() {
        this.response = "";
    }

    Fault(String status, String contentType, String body) {
        this.response = "HTTP/1.1 " + status + "\r\nContent-Type: " + contentType + "\r\nContent-Length: "
                + body.length() + "\r\nConnection: close\r\n\r\n" + body;
    }

    /** Returns true if the rest arrives in the end, if only the client waits for it. */
    public boolean passesOn() {
        return this == DRIP || this == FRAGMENT || this == PAUSE;
    }

    /** Returns true if only the client's timeout ends it. */
    public boolean isSlow() {
        return this == STALL || this == FREEZE || this == DRIP;
    }

    /**
     * Treats the rest of a message.
     *
     * @param receiver whom the rest is for, the server or the client
     * @return whether the connection is as good as before
     */
    boolean deliver(Socket client, Socket receiver, byte[] rest) throws IOException {
        client.getOutputStream().write(response.getBytes(StandardCharsets.US_ASCII));
        // To close at once, with a request unread, would be a reset that overtakes the response.
        return HALF_CLOSE.deliver(client, receiver, rest);
    }

    private static boolean oneByOne(Socket client, Socket receiver, byte[] rest, int pause) throws IOException {
        OutputStream out = receiver.getOutputStream();
        for (byte b : rest) {
            if (pause > 0 && isGone(client, pause)) {
                return false;
            }
            out.write(b);
        }
        return true;
    }

    /** Returns true if a client closes within so many milliseconds. */
    private static boolean isGone(Socket client, int millis) throws IOException {
        client.setSoTimeout(millis);
        try {
            return client.getInputStream().read() < 0;
        } catch (SocketTimeoutException stillThere) {
            return false;
        } finally {
            client.setSoTimeout(0);
        }
    }

    private static byte[] noise() {
        byte[] noise = new byte[4096];
        Arrays.fill(noise, (byte) 0x9D); // neither HTTP nor UTF-8, and no line ever ends
        return noise;
    }
}
