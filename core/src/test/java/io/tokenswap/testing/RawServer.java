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

    /** Handler of a connection. When it returns, the connection is closed. */
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

        /** Waits for a first byte, for example the start of a TLS handshake. */
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
                // Further requests get no response.
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

    /** Starts a server that responds to one request on each connection with these bytes and closes. */
    public static RawServer responding(String bytes) {
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

    /** Returns the number of connections so far. */
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

    /** Returns true if a client has closed a connection, awaited for as long as a test may take. */
    public boolean isClosedByClient() throws InterruptedException {
        return closedByClient.await(30, TimeUnit.SECONDS);
    }

    /** Returns the address of this server. */
    public int port() {
        return acceptor.port();
    }

    /** Returns the {@code http} URI of this server. */
    public URI uri() {
        return URI.create("http://127.0.0.1:" + port());
    }

    /** Returns the {@code https} URI of this server. */
    public URI secureUri() {
        return URI.create("https://localhost:" + port());
    }

    @Override
    public void dispose() {
        acceptor.dispose();
    }
}
