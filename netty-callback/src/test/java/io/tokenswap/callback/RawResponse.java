package io.tokenswap.callback;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;

/** What came back over a socket, to its end. */
record RawResponse(String text) {

    static RawResponse to(int port, String request) {
        return to("127.0.0.1", port, request.getBytes(StandardCharsets.ISO_8859_1));
    }

    static RawResponse to(String address, int port, byte[] request) {
        try (Socket socket = new Socket(InetAddress.getByName(address), port)) {
            socket.setSoTimeout(20_000);
            socket.getOutputStream().write(request);
            return read(socket);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Reads until the other side closes, as the receiver does after every response. */
    static RawResponse read(Socket socket) {
        ByteArrayOutputStream text = new ByteArrayOutputStream();
        try {
            socket.getInputStream().transferTo(text);
        } catch (SocketTimeoutException silent) {
            throw new AssertionError("The connection was not closed", silent);
        } catch (IOException reset) {
            // A connection that is cut while bytes of ours are unread ends this way.
        }
        return new RawResponse(text.toString(StandardCharsets.ISO_8859_1));
    }

    int status() {
        return text.startsWith("HTTP/1.1 ") ? Integer.parseInt(text.substring(9, 12)) : -1;
    }

    List<String> headers(String name) {
        String head = text.substring(0, Math.max(0, text.indexOf("\r\n\r\n")));
        return head.lines()
                .filter(line -> line.toLowerCase(Locale.ROOT).startsWith(name.toLowerCase(Locale.ROOT) + ":"))
                .map(line -> line.substring(name.length() + 1).trim())
                .toList();
    }

    String header(String name) {
        return String.join(" | ", headers(name));
    }

    String body() {
        return new String(
                text.substring(text.indexOf("\r\n\r\n") + 4).getBytes(StandardCharsets.ISO_8859_1),
                StandardCharsets.UTF_8);
    }
}
