package io.tokenswap.benchmark;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import reactor.core.publisher.Mono;
import reactor.netty.DisposableServer;
import reactor.netty.http.server.HttpServer;

/** Sends the same token for every request, in a separate process, so that its work is not counted for the client. */
final class TokenServer implements AutoCloseable {

    private static final String TOKEN = """
            {"access_token":"access-token-of-thirty-five-chars-1","token_type":"Bearer","expires_in":3600,\
            "refresh_token":"refresh-token-of-thirty-five-chars1"}""";

    private final Process process;
    private final URI uri;

    private TokenServer(Process process, URI uri) {
        this.process = process;
        this.uri = uri;
    }

    static TokenServer start() {
        try {
            Process process = new ProcessBuilder(
                            ProcessHandle.current().info().command().orElse("java"),
                            "-Xmx256m",
                            "-cp",
                            System.getProperty("java.class.path"),
                            TokenServer.class.getName())
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .start();
            BufferedReader output =
                    new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.US_ASCII));
            return new TokenServer(process, URI.create("http://127.0.0.1:" + output.readLine() + "/token"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    URI uri() {
        return uri;
    }

    @Override
    public void close() {
        process.destroy();
    }

    /** Serves until the standard input ends, which it does with the process that started this one. */
    public static void main(String[] args) throws IOException {
        DisposableServer server = HttpServer.create()
                .host("127.0.0.1")
                .port(0)
                .handle((request, response) -> request.receive()
                        .then(response.header("Content-Type", "application/json")
                                .sendString(Mono.just(TOKEN))
                                .then()))
                .bindNow();
        System.out.println(server.port());
        while (System.in.read() >= 0) {
            // No client sends anything.
        }
        server.disposeNow();
        System.exit(0);
    }
}
