package io.tokenswap.samples.exchange;

import ch.qos.logback.core.spi.LifeCycle;
import io.tokenswap.AuthorizationCode;
import io.tokenswap.OAuthErrorException;
import io.tokenswap.RequestRejectedException;
import io.tokenswap.TokenSwapException;
import io.tokenswap.samples.exchange.operation.ReloadableTls;
import io.tokenswap.samples.exchange.redis.RedisMemory;
import java.io.IOException;
import java.io.PrintWriter;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.slf4j.LoggerFactory;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Option;
import reactor.core.publisher.Hooks;
import reactor.netty.ChannelBindException;
import reactor.netty.ReactorNetty;
import reactor.netty.resources.ConnectionProvider;

/** The program: an exchange server that is configured by environment variables. */
@Command(
        name = "exchange-server",
        mixinStandardHelpOptions = true,
        versionProvider = Program.Version.class,
        description = {
            "Holds the client secret of an OAuth 2.0 provider for applications that must not hold it.",
            "It is configured by environment variables, because a command line is visible to all users of a machine."
        },
        footer = {
            "",
            "Required: CLIENT_ID and CLIENT_SECRET (or CLIENT_SECRET_FILE).",
            "Behind https also PUBLIC_URL and SEAL_KEYS (make a key with: openssl rand -base64 32).",
            "The README lists all variables.",
            "",
            "Exit codes: 0 ended or checked, 1 a check or the start failed, 2 wrong configuration."
        })
final class Program implements Callable<Integer> {

    private final Map<String, String> variables;
    private final PrintWriter out;
    private final PrintWriter err;

    @Option(
            names = "--check",
            description = "Check the configuration, Redis, and the client id and secret at the provider, and end.")
    private boolean check;

    Program(Map<String, String> variables, PrintWriter out, PrintWriter err) {
        this.variables = variables;
        this.out = out;
        this.err = err;
    }

    /** Runs until the process is asked to end. */
    public static void main(String[] args) {
        // A thread that does nothing but accept connections: none waits when the listener closes.
        System.setProperty(ReactorNetty.IO_SELECT_COUNT, "1");
        // TLS 1.2 lets a client repeat the handshake on one connection without end, which costs the server more than
        // the client.
        System.setProperty("jdk.tls.rejectClientInitiatedRenegotiation", "true");
        Hooks.onErrorDropped(Program::late);
        int exitCode = run(
                args,
                System.getenv(),
                new PrintWriter(System.out, true, StandardCharsets.UTF_8),
                new PrintWriter(System.err, true, StandardCharsets.UTF_8));
        if (exitCode != 0) {
            System.exit(exitCode);
        }
    }

    /** Reports a failure of a request that has ended. That of a client that has hung up arrives twice, and is none. */
    private static void late(Throwable failure) {
        if (!(failure instanceof IOException)) {
            StackTraceElement[] trace = failure.getStackTrace();
            LoggerFactory.getLogger(Program.class)
                    .error("Late {} at {}", failure.getClass().getName(), trace.length == 0 ? "?" : trace[0]);
        }
    }

    static int run(String[] args, Map<String, String> variables, PrintWriter out, PrintWriter err) {
        Program program = new Program(variables, out, err);
        // Without arguments there is nothing to parse, and the start is shorter.
        return args.length == 0
                ? program.call()
                : new CommandLine(program).setOut(out).setErr(err).execute(args);
    }

    @Override
    public Integer call() {
        ExchangeServerConfig config;
        try {
            config = ExchangeServerConfig.from(variables);
        } catch (ConfigurationException e) {
            e.problems().forEach(err::println);
            return 2;
        }
        return check ? check(config) : serve(config);
    }

    private int serve(ExchangeServerConfig config) {
        warnings(config, System.getProperty("user.name", "")).forEach(err::println);
        try {
            ExchangeServer server =
                    Objects.requireNonNull(ExchangeServer.start(config).block());
            Runtime.getRuntime().addShutdownHook(new Thread(() -> end(server), "stop"));
            out.println("Exchange server at " + server.uri());
            out.println("Redirect URI to register at the provider: " + server.callback());
            server.onClose().block();
            return 0;
        } catch (ChannelBindException e) {
            err.println(BindFailure.explain(e, config));
            return 1;
        } catch (ConfigurationException e) {
            e.problems().forEach(err::println);
            return 2;
        } catch (IllegalArgumentException e) {
            return unusableCertificate(e);
        }
    }

    private int unusableCertificate(IllegalArgumentException e) {
        err.println("TLS_CERTIFICATE or TLS_PRIVATE_KEY cannot be used: " + e.getMessage());
        return 2;
    }

    /** A signal to end is a request that was obeyed, not a failure: without the last call the JVM would end with 143. */
    private static void end(ExchangeServer server) {
        try {
            server.drain().block();
        } finally {
            if (LoggerFactory.getILoggerFactory() instanceof LifeCycle logging) {
                logging.stop(); // writes what is queued, for half a second at most
            }
            Runtime.getRuntime().halt(0);
        }
    }

    /** Checks what the start would load, and the servers that it would call. */
    private int check(ExchangeServerConfig config) {
        try {
            if (config.tlsCertificate != null && config.tlsPrivateKey != null) {
                new ReloadableTls(config.tlsCertificate, config.tlsPrivateKey).reload();
            }
        } catch (IllegalArgumentException e) {
            return unusableCertificate(e);
        }
        out.println("The configuration is complete.");
        warnings(config, System.getProperty("user.name", "")).forEach(err::println);
        return Math.max(checkRedis(config), checkProvider(config));
    }

    private int checkRedis(ExchangeServerConfig config) {
        if (config.redisUrl == null) {
            return 0;
        }
        RedisMemory memory = null;
        try {
            memory = RedisMemory.at(config.redisUrl);
            memory.probe().block();
            out.println("Redis responds.");
            return 0;
        } catch (IllegalArgumentException malformed) {
            err.println("REDIS_URL is not a URL of a Redis");
            return 2;
        } catch (IllegalStateException e) {
            err.println("REDIS_URL: " + e.getMessage());
            return 1;
        } finally {
            if (memory != null) {
                memory.dispose();
            }
        }
    }

    /** Sends an invalid code. The provider's error shows if the provider knows the client. */
    private int checkProvider(ExchangeServerConfig config) {
        ConnectionProvider connections = ConnectionProvider.newConnection();
        try {
            ExchangeServer.provider(config, config.clientSecret, connections)
                    .swap(AuthorizationCode.of("check", URI.create("http://127.0.0.1/callback"), null, Set.of()))
                    .block();
            err.println("The provider took a code that is none. Is PROVIDER_TOKEN_URL the provider's?");
            return 1;
        } catch (OAuthErrorException e) {
            return switch (e.error()) {
                case "invalid_client", "unauthorized_client" -> {
                    err.println("The provider does not accept the client: check CLIENT_ID and CLIENT_SECRET.");
                    yield 1;
                }
                default -> {
                    out.println("The provider accepts CLIENT_ID and CLIENT_SECRET.");
                    yield 0;
                }
            };
        } catch (RequestRejectedException e) {
            err.println(
                    e.status() == 401 || e.status() == 403
                            ? "The provider does not accept the client: check CLIENT_ID, CLIENT_SECRET and PROVIDER_TOKEN_URL."
                            : "The provider responded with status " + e.status() + ": check PROVIDER_TOKEN_URL.");
            return 1;
        } catch (TokenSwapException e) {
            err.println("The provider could not be asked. " + e.getMessage());
            return 1;
        }
    }

    /** Finds settings that work but should be changed. */
    static Stream<String> warnings(ExchangeServerConfig config, String user) {
        Stream<String> root = user.equals("root")
                ? Stream.of("Warning: this process runs as root. Run it as a separate user (User= or DynamicUser= of"
                        + " systemd, USER of an image).")
                : Stream.empty();
        Stream<String> files = Stream.of(config.clientSecretFile, config.sealKeysFile, config.tlsPrivateKey)
                .filter(Objects::nonNull)
                .filter(Program::othersMayRead)
                .map(file -> "Warning: other users may read " + file + ". Remove their right with chmod o-r.");
        int connections = FileLimit.connections(config);
        Stream<String> limit = connections < config.connectionLimits.connections()
                ? Stream.of("Warning: this process may open " + FileLimit.files() + " files, so that it takes "
                        + connections + " connections and not the " + config.connectionLimits.connections()
                        + " of MAX_CONNECTIONS. Raise the limit (LimitNOFILE= of systemd, ulimit -n).")
                : Stream.empty();
        return Stream.of(root, files, limit).flatMap(warnings -> warnings);
    }

    private static boolean othersMayRead(Path file) {
        try {
            return Files.getPosixFilePermissions(file).contains(PosixFilePermission.OTHERS_READ);
        } catch (IOException | UnsupportedOperationException unknown) {
            return false;
        }
    }

    /** The version in the manifest of the jar. */
    static final class Version implements IVersionProvider {

        @Override
        public String[] getVersion() {
            String version = Program.class.getPackage().getImplementationVersion();
            return new String[] {"exchange-server " + (version == null ? "(not packaged)" : version)};
        }
    }
}
