package io.tokenswap.samples.exchange;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** A process with a heap of 128 MiB, and clients of a hundred addresses that are slow, idle, or do not read. */
class IdleConnectionsTest {

    private static final String[] KINDS = {
        "GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /health/live HTTP/1.1\r\nHo",
        "POST /swap HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 16000\r\n\r\n{",
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(20)
    };

    /** The number of Reactor Netty on a machine of up to four cores. */
    private static final int EVENT_LOOPS = 4;

    private static final byte[] EIGHT_PAGES =
            "GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(8).getBytes(StandardCharsets.US_ASCII);

    @Test
    @Tag("C60")
    void idleClientsHinderNoOtherClient() throws Exception {
        healthBeside(400, 50);
    }

    @Test
    @Tag("C60")
    @Tag("stress")
    void tenThousandIdleClientsHinderNoOtherClient() throws Exception {
        List<Long> times = healthBeside(9_900, 1_000);

        assertThat(times.get(times.size() * 99 / 100)).isLessThan(250_000_000L);
    }

    /** Returns the times of requests in order of their length. */
    private static List<Long> healthBeside(int clients, int requests) throws Exception {
        Map<String, String> variables = Map.of(
                "HEADER_TIMEOUT",
                "10m",
                "BODY_TIMEOUT",
                "10m",
                "RESPONSE_TIMEOUT",
                "10m",
                "KEEP_ALIVE",
                "10m",
                "LIMIT_TOTAL",
                "0");
        List<Socket> sockets = new ArrayList<>();
        try (ServerProcess process = ServerProcess.start(variables)) {
            for (int i = 0; i < clients; i++) {
                sockets.add(connect(process, "127.0.1." + (1 + i % 100), KINDS[i % KINDS.length]));
            }
            leaveUnread(process, sockets);
            List<Long> times = new ArrayList<>();
            for (int i = 0; i < requests; i++) {
                long start = System.nanoTime();
                assertThat(health(process)).startsWith("HTTP/1.1 200 ");
                times.add(System.nanoTime() - start);
            }
            times.sort(null);
            return times;
        } finally {
            for (Socket socket : sockets) {
                socket.close();
            }
        }
    }

    /** Requests more pages than a socket buffers, on a connection of each event loop, and reads none. */
    private static void leaveUnread(ServerProcess process, List<Socket> sockets) throws IOException {
        List<Socket> unread = new ArrayList<>();
        for (int i = 0; i < EVENT_LOOPS; i++) {
            Socket socket = new Socket();
            sockets.add(socket);
            unread.add(socket);
            socket.setReceiveBufferSize(1_024);
            socket.connect(new InetSocketAddress("127.0.0.1", process.uri().getPort()));
        }
        for (int round = 0; round < 150; round++) {
            unread.removeIf(IdleConnectionsTest::isClosedAfterAnotherRound);
            // More requests without a response would be refused, so that they are sent one round after another.
            assertThat(health(process)).startsWith("HTTP/1.1 200 ");
        }
    }

    private static boolean isClosedAfterAnotherRound(Socket socket) {
        try {
            socket.getOutputStream().write(EIGHT_PAGES);
            return false;
        } catch (IOException refused) {
            return true;
        }
    }

    /** Sends a request on a new connection. The server gives each to the next event loop, so that none is left out. */
    private static String health(ServerProcess process) throws IOException {
        try (Socket socket =
                connect(process, "127.0.0.1", "GET /health/live HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")) {
            socket.setSoTimeout(60_000);
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
        }
    }

    private static Socket connect(ServerProcess process, String from, String bytes) throws IOException {
        Socket socket = new Socket();
        socket.bind(new InetSocketAddress(from, 0));
        socket.connect(new InetSocketAddress("127.0.0.1", process.uri().getPort()));
        socket.getOutputStream().write(bytes.getBytes(StandardCharsets.US_ASCII));
        return socket;
    }
}
