package io.tokenswap.testing;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import reactor.core.Disposable;

/**
 * Takes connections on a port of this machine, and has each served on its own thread, which may block. Once it is disposed of
 * no program listens there, and none of its sockets is open.
 */
final class Acceptor implements Disposable {

    private final List<Socket> sockets = new CopyOnWriteArrayList<>();
    private final ServerSocket listener;
    private final ExecutorService threads;

    Acceptor(InetAddress address, String name, Consumer<Socket> service) {
        threads = Executors.newCachedThreadPool(task -> {
            Thread thread = new Thread(task, name);
            thread.setDaemon(true);
            return thread;
        });
        try {
            listener = new ServerSocket(0, 50, address);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
        threads.execute(() -> accept(service));
    }

    private void accept(Consumer<Socket> service) {
        try {
            while (true) {
                Socket socket = track(listener.accept());
                threads.execute(() -> service.accept(socket));
            }
        } catch (IOException disposed) {
            // The end of the test.
        }
    }

    /** Has a socket closed at the end; at once, and with a failure, where that has begun. */
    Socket track(Socket socket) throws IOException {
        sockets.add(socket);
        if (listener.isClosed()) { // perhaps since before it was added
            socket.close();
        }
        socket.setTcpNoDelay(true);
        return socket;
    }

    InetAddress address() {
        return listener.getInetAddress();
    }

    int port() {
        return listener.getLocalPort();
    }

    @Override
    public void dispose() {
        try {
            listener.close();
            for (Socket socket : sockets) {
                socket.close();
            }
            threads.shutdownNow();
            // The system listens as long as a thread is about to take a connection.
            if (!threads.awaitTermination(10, TimeUnit.SECONDS)) {
                throw new IllegalStateException("A connection is still being served");
            }
        } catch (IOException e) {
            throw new IllegalStateException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
