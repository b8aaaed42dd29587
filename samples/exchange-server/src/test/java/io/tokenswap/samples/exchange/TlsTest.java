package io.tokenswap.samples.exchange;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.handler.ssl.util.InsecureTrustManagerFactory;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.GeneralSecurityException;
import java.util.HashMap;
import java.util.Map;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** TLS without a proxy. */
class TlsTest {

    private static final String REQUEST = "GET /health/live HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

    @Test
    @Tag("C52")
    void aNewCertificateIsUsedWithoutARestart(@TempDir Path directory) throws Exception {
        Certificate first = Certificate.create(directory, "first");
        Certificate second = Certificate.create(directory, "second");
        try (Exchange exchange = exchange(first);
                SSLSocket open = connect(exchange)) {
            assertThat(presented(open)).isEqualTo(first.encoded());

            copy(second.chain(), first.chain());
            exchange.server.checkFiles();
            // The key belongs to the old certificate: the half-written pair changes nothing.
            assertThat(presented(exchange)).isEqualTo(first.encoded());

            copy(second.privateKey(), first.privateKey());
            exchange.server.checkFiles();
            assertThat(presented(exchange)).isEqualTo(second.encoded());
            assertThat(ask(open)).startsWith("HTTP/1.1 200 ");
        }
    }

    @Test
    @Tag("C61")
    void http2IsNotOffered(@TempDir Path directory) throws Exception {
        try (Exchange exchange = exchange(Certificate.create(directory, "localhost"));
                SSLSocket socket = connect(exchange, "h2", "http/1.1")) {
            socket.startHandshake();

            assertThat(socket.getApplicationProtocol()).isNotEqualTo("h2");
            assertThat(ask(socket)).startsWith("HTTP/1.1 200 ");
        }
    }

    @Test
    @Tag("C61")
    void http2WithoutTlsIsRefused() throws IOException {
        try (Exchange exchange = new Exchange()) {
            // The preface of a client that knows, followed by SETTINGS.
            assertThat(exchange.raw("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"))
                    .startsWith("HTTP/1.1 505 ");
            assertThat(exchange.raw("GET /health/live HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\n"
                            + "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n\r\n"
                            + REQUEST))
                    .startsWith("HTTP/1.1 200 ")
                    .doesNotContain(" 101 ");
        }
    }

    @Test
    void aClientCannotRepeatTheHandshake(@TempDir Path directory) throws Exception {
        Certificate certificate = Certificate.create(directory, "localhost");
        int port = RedisProcess.freePort();
        Map<String, String> variables = new HashMap<>(variables(certificate));
        variables.put("PORT", String.valueOf(port));
        try (ServerProcess process = ServerProcess.start(variables);
                SSLSocket socket = connect(port)) {
            socket.setEnabledProtocols(new String[] {"TLSv1.2"});
            socket.startHandshake();

            assertThatThrownBy(() -> {
                        socket.startHandshake();
                        ask(socket);
                    })
                    .isInstanceOf(IOException.class);
            try (SSLSocket next = connect(port)) {
                assertThat(ask(next)).startsWith("HTTP/1.1 200 ");
            }
            assertThat(process.uri()).hasToString("https://localhost");
        }
    }

    private static Exchange exchange(Certificate certificate) {
        return new Exchange(variables(certificate));
    }

    private static Map<String, String> variables(Certificate certificate) {
        return Map.of(
                "TLS_CERTIFICATE",
                certificate.chain().toString(),
                "TLS_PRIVATE_KEY",
                certificate.privateKey().toString(),
                "PUBLIC_URL",
                "https://localhost",
                "SEAL_KEYS",
                Exchange.KEY);
    }

    private static void copy(Path from, Path to) throws IOException {
        Files.copy(from, to, StandardCopyOption.REPLACE_EXISTING);
    }

    private static byte[] presented(Exchange exchange) throws IOException, GeneralSecurityException {
        try (SSLSocket socket = connect(exchange)) {
            return presented(socket);
        }
    }

    private static byte[] presented(SSLSocket socket) throws IOException, GeneralSecurityException {
        socket.startHandshake();
        return socket.getSession().getPeerCertificates()[0].getEncoded();
    }

    private static String ask(SSLSocket socket) throws IOException {
        socket.getOutputStream().write(REQUEST.getBytes(StandardCharsets.US_ASCII));
        return new String(socket.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
    }

    private static SSLSocket connect(Exchange exchange, String... protocols)
            throws IOException, GeneralSecurityException {
        return connect(exchange.port(), protocols);
    }

    private static SSLSocket connect(int port, String... protocols) throws IOException, GeneralSecurityException {
        SSLContext context = SSLContext.getInstance("TLS");
        // The test compares the certificate itself.
        context.init(null, InsecureTrustManagerFactory.INSTANCE.getTrustManagers(), null);
        SSLSocket socket = (SSLSocket) context.getSocketFactory().createSocket("127.0.0.1", port);
        socket.setSoTimeout(20_000);
        SSLParameters parameters = socket.getSSLParameters();
        parameters.setApplicationProtocols(protocols);
        socket.setSSLParameters(parameters);
        return socket;
    }
}
