package io.tokenswap.testing;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import reactor.core.Disposable;

/**
 * A server on loopback that writes bytes as its script says, right or wrong, and counts what came in. It listens from the start
 * until it is disposed of. Safe for use by any thread.
 */
public final class RawServer implements Disposable {

    /** What happens on a connection. When it ends, the connection is closed. */
    @FunctionalInterface
    public interface Script {

        /**
         * Plays the server's part on one connection, on a thread that may block.
         *
         * @param connection the connection
         */
        void play(Connection connection) throws IOException, InterruptedException;
    }

    /** One connection from the side of the server. */
    public final class Connection {

        private final Socket socket;

        private Connection(Socket socket) {
            this.socket = socket;
        }

        /** Waits for a whole request, and records it. */
        public String request() throws IOException {
            String request = new String(HttpBytes.readMessage(socket.getInputStream()), StandardCharsets.UTF_8);
            requests.add(request);
            arrived.countDown();
            return request;
        }

        /** Writes text, a byte for each character. */
        public Connection write(String bytes) throws IOException {
            return write(bytes.getBytes(StandardCharsets.ISO_8859_1));
        }

        /** Writes bytes, at once. */
        public Connection write(byte[] bytes) throws IOException {
            OutputStream out = socket.getOutputStream();
            out.write(bytes);
            out.flush();
            return this;
        }

        /** Ends the connection by a reset, as a crashed server would. */
        public void reset() throws IOException {
            socket.setSoLinger(true, 0);
            socket.close();
        }

        /** Waits for a first byte, the start of a TLS handshake for one, and says that it has arrived. */
        public Connection awaitByte() throws IOException {
            if (socket.getInputStream().read() >= 0) {
                arrived.countDown();
            }
            return this;
        }

        /** Does nothing until the client closes. */
        public void awaitClose() throws IOException {
            InputStream in = socket.getInputStream();
            while (in.read() >= 0) {
                // Whatever else it says, it is not answered.
            }
            closedByClient.countDown();
        }
    }

    private final AtomicInteger connections = new AtomicInteger();
    private final List<String> requests = new CopyOnWriteArrayList<>();
    private final CountDownLatch arrived = new CountDownLatch(1);
    private final CountDownLatch closedByClient = new CountDownLatch(1);
    private final Acceptor acceptor;

    private RawServer(Script script, InetAddress address) {
        acceptor = new Acceptor(address, "raw-server", socket -> play(script, socket));
    }

    /** A server on 127.0.0.1 that plays a script on each connection. */
    public static RawServer playing(Script script) {
        return new RawServer(script, InetAddress.getLoopbackAddress());
    }

    /** A server on an address of this machine that plays a script on each connection. */
    public static RawServer playing(Script script, InetAddress address) {
        return new RawServer(script, address);
    }

    /** A server that answers one request on each connection with these bytes and closes. */
    public static RawServer answering(String bytes) {
        return playing(connection -> {
            connection.request();
            connection.write(bytes);
        });
    }

    private void play(Script script, Socket socket) {
        connections.incrementAndGet();
        try (socket) {
            script.play(new Connection(socket));
        } catch (IOException | InterruptedException clientHasGone) {
            closedByClient.countDown();
        }
    }

    /** How many connections it has taken so far. */
    public int connections() {
        return connections.get();
    }

    /** The whole requests that were read so far, in order. */
    public List<String> requests() {
        return requests;
    }

    /** Open until the first request, or the first byte that was waited for, is there. */
    public CountDownLatch arrived() {
        return arrived;
    }

    /** Whether a client has closed a connection, awaited for as long as a test may take. */
    public boolean isClosedByClient() throws InterruptedException {
        return closedByClient.await(30, TimeUnit.SECONDS);
    }

    /** Where it listens. */
    public int port() {
        return acceptor.port();
    }

    /** Where it listens, as an {@code http} URI. */
    public URI uri() {
        return URI.create("http://127.0.0.1:" + port());
    }

    /** Where it listens, as an {@code https} URI. */
    public URI secureUri() {
        return URI.create("https://localhost:" + port());
    }

    @Override
    public void dispose() {
        acceptor.dispose();
    }
}
