package io.tokenswap.http;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import reactor.core.Disposable;

/** A server on loopback that writes bytes as its script says, right or wrong, and counts what came in. */
final class RawServer implements Disposable {

    /** What happens on a connection. When it ends, the connection is closed. */
    @FunctionalInterface
    interface Script {
        void play(Connection connection) throws IOException, InterruptedException;
    }

    /** One connection from the side of the server. */
    final class Connection {

        private final Socket socket;

        private Connection(Socket socket) {
            this.socket = socket;
        }

        /** Waits for a whole request. */
        String request() throws IOException {
            StringBuilder head = new StringBuilder();
            InputStream in = socket.getInputStream();
            while (head.indexOf("\r\n\r\n") < 0) {
                int b = in.read();
                if (b < 0) {
                    throw new IOException("The client has gone");
                }
                head.append((char) b);
            }
            int at = head.toString().toLowerCase(Locale.ROOT).indexOf("content-length: ");
            int length = at < 0 ? 0 : Integer.parseInt(head.substring(at + 16, head.indexOf("\r\n", at)));
            String request = head + new String(in.readNBytes(length), StandardCharsets.UTF_8);
            requests.add(request);
            arrived.countDown();
            return request;
        }

        Connection write(String bytes) throws IOException {
            OutputStream out = socket.getOutputStream();
            out.write(bytes.getBytes(StandardCharsets.ISO_8859_1));
            out.flush();
            return this;
        }

        Connection write(int... bytes) throws IOException {
            for (int b : bytes) {
                socket.getOutputStream().write(b);
            }
            return this;
        }

        /** Ends the connection by a reset, as a crashed server would. */
        void reset() throws IOException {
            socket.setSoLinger(true, 0);
            socket.close();
        }

        /** Waits for a first byte, the start of a TLS handshake for one, and says that it has arrived. */
        Connection awaitByte() throws IOException {
            if (socket.getInputStream().read() >= 0) {
                arrived.countDown();
            }
            return this;
        }

        /** Does nothing until the client closes. */
        void awaitClose() throws IOException {
            InputStream in = socket.getInputStream();
            while (in.read() >= 0) {
                // Whatever else it says, it is not answered.
            }
            closedByClient.countDown();
        }
    }

    final AtomicInteger connections = new AtomicInteger();
    final List<String> requests = new CopyOnWriteArrayList<>();
    /** Open until the first request is there. */
    final CountDownLatch arrived = new CountDownLatch(1);

    private final CountDownLatch closedByClient = new CountDownLatch(1);
    private final List<Socket> sockets = new CopyOnWriteArrayList<>();
    private final ServerSocket listener;
    private final ExecutorService threads = Executors.newCachedThreadPool(task -> {
        Thread thread = new Thread(task, "raw-server");
        thread.setDaemon(true);
        return thread;
    });

    private RawServer(Script script) {
        try {
            listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
        threads.execute(() -> accept(script));
    }

    static RawServer playing(Script script) {
        return new RawServer(script);
    }

    /** Answers each request with these bytes and closes. */
    static RawServer answering(String bytes) {
        return playing(connection -> {
            connection.request();
            connection.write(bytes);
        });
    }

    private void accept(Script script) {
        try {
            while (true) {
                Socket socket = listener.accept();
                sockets.add(socket);
                connections.incrementAndGet();
                threads.execute(() -> play(script, socket));
            }
        } catch (IOException disposed) {
            // The end of the test.
        }
    }

    private void play(Script script, Socket socket) {
        try (socket) {
            script.play(new Connection(socket));
        } catch (IOException | InterruptedException clientHasGone) {
            closedByClient.countDown();
        }
    }

    /** Whether the client has closed a connection, awaited for as long as a test may take. */
    boolean isClosedByClient() throws InterruptedException {
        return closedByClient.await(30, TimeUnit.SECONDS);
    }

    int port() {
        return listener.getLocalPort();
    }

    URI uri() {
        return URI.create("http://127.0.0.1:" + port());
    }

    URI secureUri() {
        return URI.create("https://localhost:" + port());
    }

    @Override
    public void dispose() {
        try {
            listener.close();
            for (Socket socket : sockets) {
                socket.close();
            }
        } catch (IOException e) {
            throw new IllegalStateException(e);
        } finally {
            threads.shutdownNow();
        }
    }
}
