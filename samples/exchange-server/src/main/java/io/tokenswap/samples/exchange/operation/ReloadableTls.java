package io.tokenswap.samples.exchange.operation;

import io.netty.buffer.ByteBufAllocator;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslProvider;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.InvalidKeyException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * TLS by a certificate chain and a key in PEM files. A new connection uses the files as they were when {@link #reload()} last
 * succeeded; a connection that is open keeps what it has. TLS 1.2 and 1.3 by the JDK.
 */
public final class ReloadableTls {

    private static final Pattern KEY =
            Pattern.compile("-----BEGIN PRIVATE KEY-----([A-Za-z0-9+/=\\s]+)-----END PRIVATE KEY-----");
    private static final Duration HANDSHAKE = Duration.ofSeconds(10);

    private final Path certificate;
    private final Path privateKey;
    private volatile SslContext context;

    /** @throws IllegalArgumentException if the files hold no certificate, no key, or two that do not belong together */
    public ReloadableTls(Path certificate, Path privateKey) {
        this.certificate = certificate;
        this.privateKey = privateKey;
        this.context = load();
    }

    /** Reads the files again. Blocks. */
    public void reload() {
        context = load();
    }

    /** Makes the handler of a new connection. */
    public SslHandler newHandler(ByteBufAllocator allocator) {
        SslHandler handler = context.newHandler(allocator);
        handler.setHandshakeTimeoutMillis(HANDSHAKE.toMillis());
        return handler;
    }

    private SslContext load() {
        try (InputStream chain = Files.newInputStream(certificate)) {
            List<X509Certificate> certificates =
                    CertificateFactory.getInstance("X.509").generateCertificates(chain).stream()
                            .map(X509Certificate.class::cast)
                            .toList();
            PublicKey publicKey = certificates.get(0).getPublicKey();
            PrivateKey key = KeyFactory.getInstance(publicKey.getAlgorithm()).generatePrivate(privateKey());
            if (!belongTogether(publicKey, key)) {
                throw new InvalidKeyException("The key is of another certificate");
            }
            return SslContextBuilder.forServer(key, certificates)
                    .sslProvider(SslProvider.JDK)
                    .protocols("TLSv1.3", "TLSv1.2")
                    .build();
        } catch (IOException | GeneralSecurityException | RuntimeException unusable) {
            throw new IllegalArgumentException(
                    "the files hold no PEM certificate chain and PKCS 8 key that belong together", unusable);
        }
    }

    private PKCS8EncodedKeySpec privateKey() throws IOException, InvalidKeyException {
        Matcher pem = KEY.matcher(Files.readString(privateKey));
        if (!pem.find()) {
            throw new InvalidKeyException("No PKCS 8 key");
        }
        return new PKCS8EncodedKeySpec(Base64.getMimeDecoder().decode(pem.group(1)));
    }

    /** Signs something. A renewal replaces two files one after the other, and in between every handshake would fail. */
    private static boolean belongTogether(PublicKey publicKey, PrivateKey key) throws GeneralSecurityException {
        String algorithm = switch (publicKey.getAlgorithm()) {
            case "EC" -> "SHA256withECDSA";
            case "RSA" -> "SHA256withRSA";
            default -> publicKey.getAlgorithm();
        };
        Signature signature = Signature.getInstance(algorithm);
        signature.initSign(key);
        signature.update((byte) 1);
        byte[] signed = signature.sign();
        signature.initVerify(publicKey);
        signature.update((byte) 1);
        return signature.verify(signed);
    }
}
