package io.tokenswap.http;

import io.netty.resolver.dns.DnsAddressResolverGroup;
import io.netty.resolver.dns.DnsServerAddressStreamProvider;
import io.netty.resolver.dns.SingletonDnsServerAddressStreamProvider;
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.concurrent.CountDownLatch;
import reactor.core.Disposable;
import reactor.netty.http.client.HttpClient;

/** A name server on loopback that knows no name. */
final class FakeNameServer implements Disposable {

    /** Open until the first query is there. */
    final CountDownLatch asked = new CountDownLatch(1);

    private final DatagramSocket socket;

    private FakeNameServer(int code) throws IOException {
        socket = new DatagramSocket(0, InetAddress.getLoopbackAddress());
        Thread thread = new Thread(() -> serve(code), "fake-name-server");
        thread.setDaemon(true);
        thread.start();
    }

    /** Responds to every query with a response code, or not at all if the code is negative. */
    static FakeNameServer responding(int code) throws IOException {
        return new FakeNameServer(code);
    }

    private void serve(int code) {
        DatagramPacket packet = new DatagramPacket(new byte[512], 512);
        try {
            while (true) {
                packet.setLength(512);
                socket.receive(packet);
                asked.countDown();
                if (code >= 0) {
                    packet.getData()[2] |= (byte) 0x80;
                    packet.getData()[3] = (byte) code;
                    socket.send(packet);
                }
            }
        } catch (IOException disposed) {
            // The end of the test.
        }
    }

    /** Client that resolves names at this server only. */
    HttpClient client() {
        DnsServerAddressStreamProvider here =
                new SingletonDnsServerAddressStreamProvider((InetSocketAddress) socket.getLocalSocketAddress());
        return HttpClient.newConnection()
                .resolver(spec -> spec.dnsAddressResolverGroupProvider(
                        dns -> new DnsAddressResolverGroup(dns.nameServerProvider(here))));
    }

    @Override
    public void dispose() {
        socket.close();
    }
}
