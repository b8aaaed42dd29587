package io.tokenswap.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.handler.ssl.SslContextBuilder;
import io.tokenswap.TokenEndpoint;
import io.tokenswap.TokenUnavailableException;
import io.tokenswap.testing.RawServer;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.util.Arrays;
import javax.net.ssl.SSLException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.netty.http.client.HttpClient;

class TlsTest {

    private static final char[] PASSWORD = "password".toCharArray();

    /**
     * An authority and what it signed: for localhost, for localhost but expired, and for another name. Made by
     * {@code keytool -genkeypair -keyalg EC -keystore tls.p12 -storepass password -validity 36500} with
     * {@code -alias ca -dname CN=ca -ext bc:c}, then {@code -signer ca -ext san=dns:...} for the others.
     */
    private static KeyStore keys;

    private final Disposable.Composite servers = Disposables.composite();

    @BeforeAll
    static void readCertificates() throws IOException, GeneralSecurityException {
        keys = KeyStore.getInstance("PKCS12");
        try (InputStream in = TlsTest.class.getResourceAsStream("tls.p12")) {
            keys.load(in, PASSWORD);
        }
    }

    @AfterEach
    void stop() {
        servers.dispose();
    }

    private RecordingServer server(String alias) throws GeneralSecurityException, SSLException {
        RecordingServer server = RecordingServer.secure(
                SslContextBuilder.forServer(
                                (PrivateKey) keys.getKey(alias, PASSWORD),
                                Arrays.stream(keys.getCertificateChain(alias)).toArray(X509Certificate[]::new))
                        .build(),
                RecordingServer.json(200, Samples.TOKEN_RESPONSE));
        servers.add(server);
        return server;
    }

    private static TokenEndpoint endpoint(URI uri, HttpClient client) {
        return ExchangeServerEndpoint.builder(uri).httpClient(client).build();
    }

    private static HttpClient trusting() throws GeneralSecurityException, SSLException {
        var context = SslContextBuilder.forClient()
                .trustManager((X509Certificate) keys.getCertificate("ca"))
                .build();
        return HttpClient.newConnection().secure(spec -> spec.sslContext(context));
    }

    private static void assertThatNoTlsIsAgreedOn(TokenEndpoint endpoint) {
        assertThatThrownBy(() -> endpoint.swap(Samples.CODE).block())
                .isInstanceOfSatisfying(
                        TokenUnavailableException.class,
                        failure -> assertThat(failure.reason()).isEqualTo(TokenUnavailableException.Reason.NOT_SENT))
                .hasMessageContaining("agree on no TLS connection");
    }

    @Test
    void certificateOfAnAuthorityThatTheCallersClientTrustsIsGood() throws Exception {
        RecordingServer server = server("good");

        assertThat(endpoint(server.uri(), trusting()).swap(Samples.CODE).block())
                .isNotNull();
        assertThat(server.requests()).hasSize(1);
    }

    @ParameterizedTest(name = "a certificate {1} is refused")
    @CsvSource({"expired, that has expired", "other, of another name"})
    @Tag("B65")
    void certificateIsJudgedThoughItsAuthorityIsTrusted(String alias, String what) throws Exception {
        RecordingServer server = server(alias);

        assertThatNoTlsIsAgreedOn(endpoint(server.uri(), trusting()));
        assertThat(server.requests()).isEmpty();
    }

    @ParameterizedTest(name = "a certificate of {1} is refused by default")
    @CsvSource({"good, an unknown authority", "ca, only itself"})
    @Tag("B65")
    void unknownAuthorityIsRefusedByDefault(String alias, String by) throws Exception {
        RecordingServer server = server(alias);

        assertThatNoTlsIsAgreedOn(endpoint(server.uri(), HttpClient.newConnection()));
        assertThat(server.requests()).isEmpty();
    }

    @ParameterizedTest(name = "{0} in the place of a handshake is no reason to fall back to plain http")
    @CsvSource({"an alert about the version", "a hello of TLS 1.1", "plain http"})
    @Tag("B65")
    void handshakeThatFailsSendsNothing(String what) {
        RawServer server = RawServer.playing(connection -> {
            if (what.equals("plain http")) {
                connection.write("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
            } else if (what.equals("a hello of TLS 1.1")) {
                // A record, a server's hello of 38 bytes, its version, 32 random bytes, no session, ECDHE-RSA, no
                // compression.
                connection.awaitByte().write(new byte[] {0x16, 3, 2, 0, 42, 2, 0, 0, 38, 3, 2});
                connection.write(new byte[33]).write(new byte[] {(byte) 0xC0, 0x13, 0});
            } else {
                // Fatal, protocol_version: what a server of TLS 1.1 says to a client that starts at 1.2.
                connection.write(new byte[] {0x15, 3, 1, 0, 2, 2, 70});
            }
            connection.awaitClose();
        });
        servers.add(server);

        assertThatNoTlsIsAgreedOn(endpoint(server.secureUri(), HttpClient.newConnection()));
        assertThat(server.connections()).isEqualTo(1);
    }

    @Test
    @Tag("B65")
    void handshakeThatStallsEndsAtTheDeadline() throws Exception {
        RawServer server =
                RawServer.playing(connection -> connection.awaitByte().awaitClose());
        servers.add(server);

        assertThat(Deadline.of(
                                timers -> ExchangeServerEndpoint.builder(server.secureUri())
                                        .httpClient(HttpClient.newConnection())
                                        .timers(timers)
                                        .build()
                                        .swap(Samples.CODE),
                                server.arrived())
                        .reason())
                .isEqualTo(TokenUnavailableException.Reason.NOT_SENT);
        assertThat(server.connections()).isEqualTo(1);
    }
}
