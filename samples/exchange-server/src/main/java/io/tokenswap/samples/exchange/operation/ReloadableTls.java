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
import java.time.Duration;

/**
 * TLS by a certificate chain and a key in PEM files. A new connection uses the files as they were when {@link #reload()} last
 * succeeded; a connection that is open keeps what it has. TLS 1.2 and 1.3 by the JDK.
 */
public final class ReloadableTls {

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
        try (InputStream chain = Files.newInputStream(certificate);
                InputStream key = Files.newInputStream(privateKey)) {
            return SslContextBuilder.forServer(chain, key)
                    .sslProvider(SslProvider.JDK)
                    .protocols("TLSv1.3", "TLSv1.2")
                    .build();
        } catch (IOException | RuntimeException unusable) {
            throw new IllegalArgumentException(
                    "the files hold no PEM certificate chain and PKCS 8 key that belong together", unusable);
        }
    }
}
