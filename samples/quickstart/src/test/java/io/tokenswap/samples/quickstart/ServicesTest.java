package io.tokenswap.samples.quickstart;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import reactor.core.publisher.Mono;
import reactor.util.retry.Retry;

/** The two services, each in its own process. */
@EnabledOnOs(OS.LINUX)
class ServicesTest {

    private static final String KEY = "3q2+7wABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhs=";

    private final PlainVisitor visitor = new PlainVisitor();

    private static int freePort() throws IOException {
        try (ServerSocket probe = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return probe.getLocalPort();
        }
    }

    /** Sends the first request when the service listens. */
    private HttpResponse<String> await(Process process, URI uri) {
        return Mono.fromCallable(() -> visitor.open(uri))
                .retryWhen(Retry.fixedDelay(300, Duration.ofMillis(100))
                        .filter(error -> error instanceof ConnectException && process.isAlive()))
                .blockOptional()
                .orElseThrow();
    }

    @Test
    void theServiceWithoutAFrameworkSignsUsersInAndOut(@TempDir Path classes) throws Exception {
        URI service = URI.create("http://127.0.0.1:" + freePort());
        try (LocalServers servers = LocalServers.start(Duration.ofHours(1), "http://127.0.0.1/auth")) {
            Process process = LocalProgram.compile(
                            Plain.class,
                            classes,
                            Map.of(
                                    "https://auth.example.com",
                                    servers.exchangeUri().toString(),
                                    "https://api.spotify.com",
                                    servers.provider().uri().toString(),
                                    "https://music.example.com",
                                    service.toString(),
                                    ".port(8080)",
                                    ".host(\"127.0.0.1\").port(" + service.getPort() + ")"))
                    .start(Map.of("SEAL_KEY", KEY));
            try {
                assertThat(await(process, service.resolve("/me")).body()).isEqualTo("Sign in at /login");
                HttpResponse<String> me = visitor.open(service.resolve("/login"));
                assertThat(me.uri()).isEqualTo(service.resolve("/me"));
                assertThat(me.body()).contains("\"id\":\"demo\"");
                assertThat(visitor.send("GET", service.resolve("/auth?code=x&state=y"))
                                .statusCode())
                        .isEqualTo(400);
                PlainVisitor withTheSameCookies = visitor.copy();
                assertThat(visitor.send("POST", service.resolve("/logout")).statusCode())
                        .isEqualTo(302);
                assertThat(withTheSameCookies.open(service.resolve("/me")).body())
                        .isEqualTo("Sign in at /login");
                assertThat(visitor.open(service.resolve("/me")).body()).isEqualTo("Sign in at /login");
            } finally {
                process.destroyForcibly().waitFor();
            }
        }
    }

    @Test
    void theSpringServiceOfTheReadmeSignsUsersInAndOut(@TempDir Path classes) throws Exception {
        URI service = URI.create("http://127.0.0.1:" + freePort());
        try (LocalServers servers = LocalServers.start(Duration.ofHours(1), "http://127.0.0.1/auth")) {
            Process process = LocalProgram.compile(
                            Service.class,
                            classes,
                            Map.of(
                                    "https://api.spotify.com",
                                    servers.provider().uri().toString()))
                    .start(
                            Map.of(),
                            // The four lines of the README.
                            "--tokenswap.exchange.uri=" + servers.exchangeUri(),
                            "--tokenswap.scopes=user-read-private",
                            "--tokenswap.api.origins=" + servers.provider().uri(),
                            "--tokenswap.public-uri=" + service,
                            "--server.address=127.0.0.1",
                            "--server.port=" + service.getPort(),
                            "--logging.level.root=warn",
                            // The provider of this test brings another web server.
                            "--spring.main.web-application-type=reactive",
                            "--spring.autoconfigure.exclude=org.springframework.boot.tomcat.autoconfigure.reactive."
                                    + "TomcatReactiveWebServerAutoConfiguration");
            try {
                HttpResponse<String> me = await(process, service.resolve("/me"));
                assertThat(me.uri()).isEqualTo(service.resolve("/me"));
                assertThat(me.body()).contains("\"id\":\"demo\"");
                PlainVisitor withTheSameCookies = visitor.copy();
                assertThat(visitor.send("POST", service.resolve("/logout")).statusCode())
                        .isEqualTo(303);
                assertThat(withTheSameCookies
                                .send("GET", service.resolve("/me"))
                                .statusCode())
                        .isEqualTo(303);
                assertThat(visitor.send("GET", service.resolve("/me")).statusCode())
                        .isEqualTo(303);
            } finally {
                process.destroyForcibly().waitFor();
            }
        }
    }

    @Test
    void theServiceOfTheReadmeIsTheOneThatIsTested() throws IOException {
        String readme = Files.readString(Path.of("../../README.md"));
        String program = Files.readString(Path.of("src/main/java/io/tokenswap/samples/quickstart/Service.java"));
        String printed = readme.substring(readme.indexOf("@SpringBootApplication"));
        assertThat(withoutSpace(printed.substring(0, printed.indexOf("```"))))
                .isEqualTo(withoutSpace(program.substring(program.indexOf("@SpringBootApplication\n"))));
    }

    private static String withoutSpace(String text) {
        return text.replaceAll("\\s", "");
    }
}
