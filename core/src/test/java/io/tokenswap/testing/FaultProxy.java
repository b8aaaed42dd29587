package io.tokenswap.testing;

import java.io.IOException;
import java.io.InputStream;
import java.io.PushbackInputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;

/**
 * The network between a client and an HTTP server on loopback, which fails as it is told to: one {@link Fault} at one
 * {@link Position} of an exchange. Exchanges that nothing was planned for pass unharmed. It listens from the start until it is
 * disposed of. Safe for use by any thread.
 *
 * <pre>{@code
 * FaultProxy network = FaultProxy.to(server.port()).then(Fault.RESET, Position.IN_THE_BODY);
 * // The client that talks to network.uri() loses the first response, though the server has sent it.
 * }</pre>
 *
 * <p>It waits for a whole request and for a whole response before it passes on what the fault leaves of them, so that a fault
 * after the request is one that the server knows nothing of. Both must say how long they are by {@code Content-Length}.
 */
public final class FaultProxy implements Disposable {

    /** Plan of an exchange. */
    private record Plan(Fault fault, Position position) {}

    private final int server;
    private final Queue<Plan> plans = new ConcurrentLinkedQueue<>();
    private final Acceptor acceptor = new Acceptor(InetAddress.getLoopbackAddress(), "fault-proxy", this::carry);

    private FaultProxy(int server) {
        this.server = server;
    }

    /**
     * A network to a server.
     *
     * @param port where the server listens on 127.0.0.1
     */
    public static FaultProxy to(int port) {
        return new FaultProxy(port);
    }

    /** Plans a fault for the next exchange for which nothing is planned yet. */
    public FaultProxy then(Fault fault, Position position) {
        plans.add(new Plan(fault, position));
        return this;
    }

    /** Returns the URI to which clients connect. */
    public URI uri() {
        return URI.create("http://127.0.0.1:" + acceptor.port());
    }

    private void carry(Socket client) {
        try (client;
                Socket upstream = acceptor.track(new Socket(acceptor.address(), server))) {
            PushbackInputStream requests = new PushbackInputStream(client.getInputStream());
            boolean open = exchange(requests, client, upstream, plans.poll());
            int next;
            while (open && (next = requests.read()) >= 0) {
                requests.unread(next); // what is planned by the time that a request comes is for it
                open = exchange(requests, client, upstream, plans.poll());
            }
        } catch (IOException oneSideHasGone) {
            // The other side is closed with it.
        }
    }

    /** Carries a request and its response; false at the end of the connection. */
    private static boolean exchange(InputStream requests, Socket client, Socket upstream, @Nullable Plan plan)
            throws IOException {
        if (plan != null && plan.position.isBeforeAnything() && !plan.fault.passesOn()) {
            return plan.fault.deliver(client, client, new byte[0]);
        }
        byte[] request = HttpBytes.readMessage(requests);
        if (plan == null || !plan.position.isInTheRequest()) {
            upstream.getOutputStream().write(request);
        } else if (!pass(plan, client, upstream, request)) {
            return false;
        }
        byte[] response = HttpBytes.readMessage(upstream.getInputStream());
        if (plan == null || plan.position.isInTheRequest()) {
            client.getOutputStream().write(response);
            return true;
        }
        return pass(plan, client, client, response);
    }

    /** Passes on what comes before the fault, and leaves the rest to it. */
    private static boolean pass(Plan plan, Socket client, Socket receiver, byte[] message) throws IOException {
        int before = plan.position.in(message);
        receiver.getOutputStream().write(message, 0, before);
        byte[] rest = new byte[message.length - before];
        System.arraycopy(message, before, rest, 0, rest.length);
        return plan.fault.deliver(client, receiver, rest);
    }

    @Override
    public void dispose() {
        acceptor.dispose();
    }
}
