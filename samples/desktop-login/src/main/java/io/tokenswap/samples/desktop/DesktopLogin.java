package io.tokenswap.samples.desktop;

import io.tokenswap.AuthorizationRequest;
import io.tokenswap.Token;
import io.tokenswap.callback.Browser;
import io.tokenswap.callback.LoginFlow;
import io.tokenswap.callback.LoopbackReceiver;
import io.tokenswap.http.ClientAuthentication;
import io.tokenswap.http.Dialect;
import io.tokenswap.http.ExchangeServerEndpoint;
import io.tokenswap.http.ProviderEndpoint;
import io.tokenswap.session.TokenSession;
import io.tokenswap.store.FileTokenStore;
import java.io.InputStream;
import java.io.PrintWriter;
import java.net.URI;
import java.nio.charset.Charset;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;
import reactor.util.function.Tuple2;

/** Signs a user in through an exchange server or directly at a provider, and shows the tokens as they come. */
@Command(
        name = "desktop-login",
        mixinStandardHelpOptions = true,
        version = "desktop-login 0.1.0",
        sortOptions = false,
        description = {
            "Signs a user in through an exchange server and keeps the token fresh.",
            "With --client-id it signs in directly at a provider, without a client secret.",
            "Without either it also starts an exchange server: for the real Spotify if SPOTIFY_CLIENT_ID and "
                    + "SPOTIFY_CLIENT_SECRET are set, else for a demo provider."
        },
        exitCodeListHeading = "Exit codes:%n",
        exitCodeList = {
            "0:the refreshes that were asked for are done",
            "1:a defect of this program",
            "2:the command line or the configuration is wrong",
            "3:the port is taken",
            "4:the sign-in was not finished before the timeout",
            "5:the sign-in was denied or went wrong",
            "6:the exchange server or the provider cannot be reached, is overloaded or sends an invalid response",
            "7:the exchange server or the provider rejects the request: wrong URL, dialect or configuration",
            "8:the grant has ended: sign in again",
            "9:the API at --me-url cannot be reached or refuses the token",
            "10:the reader of the output has closed it",
            "11:the file of --token-file cannot be read or written",
            "130:Ctrl-C"
        })
public final class DesktopLogin implements Callable<Integer> {

    /** Way in which a login reaches a person, or replaces the person. */
    enum BrowserChoice {
        SYSTEM,
        PRINT,
        HEADLESS
    }

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private CommandSpec spec;

    @Option(
            names = "--exchange",
            paramLabel = "URL",
            description = "the exchange server; by default the program starts one")
    private @Nullable URI exchange;

    @Option(
            names = "--dialect",
            paramLabel = "DIALECT",
            description = "the dialect of the exchange server: json (default), single-uri or form")
    private @Nullable Dialect dialect;

    @Option(
            names = "--client-id",
            paramLabel = "ID",
            description =
                    "signs in directly at a provider, as a public client with PKCE and without a client secret; needs "
                            + "--authorize-url and --token-url, and the address of --listen registered there")
    private @Nullable String clientId;

    @Option(
            names = "--authorize-url",
            paramLabel = "URL",
            description = "the login page of the exchange server (--exchange by default) or of the provider")
    private @Nullable URI authorizeUrl;

    @Option(
            names = "--token-url",
            paramLabel = "URL",
            description = "the token endpoint of the provider of --client-id")
    private @Nullable URI tokenUrl;

    @Option(
            names = "--swap-url",
            paramLabel = "URL",
            description = "the URL for swaps; chosen by the dialect by default")
    private @Nullable URI swapUrl;

    @Option(
            names = "--refresh-url",
            paramLabel = "URL",
            description = "the URL for refreshes; chosen by the dialect by default")
    private @Nullable URI refreshUrl;

    @Option(
            names = "--listen",
            paramLabel = "URI",
            converter = OptionValues.ListenUri.class,
            description =
                    "where the code arrives, http://localhost:4002/auth by default; several are tried in order, port 0 "
                            + "takes any free one")
    private List<URI> listen = List.of(URI.create("http://localhost:4002/auth"));

    @Option(names = "--scope", paramLabel = "SCOPE", description = "a scope to ask for, once for each")
    private List<String> scopes = List.of("user-read-private", "user-read-email");

    @Option(
            names = "--browser",
            paramLabel = "HOW",
            description =
                    "system opens the browser, print shows the URL and takes the address at which a browser anywhere ended, "
                            + "headless follows the redirects itself (for a provider that approves by itself); system by "
                            + "default where there is a display")
    private @Nullable BrowserChoice browser;

    @Option(
            names = "--timeout",
            paramLabel = "TIME",
            description = "how long to wait for the person: 30s, 5m (default), 1h")
    private Duration timeout = Duration.ofMinutes(5);

    @Option(
            names = "--token-lifetime",
            paramLabel = "TIME",
            description = "how long the demo provider's tokens live; 10s by default, so that there is something to see")
    private @Nullable Duration tokenLifetime;

    @Option(
            names = "--refreshes",
            paramLabel = "N",
            description = "end after N refreshes; runs until Ctrl-C by default")
    private @Nullable Long refreshes;

    @Option(
            names = "--token-file",
            paramLabel = "FILE",
            description =
                    "keeps the token in this file, so that the next start needs no browser; needs --exchange or Spotify, as "
                            + "the demo provider forgets its users when it ends")
    private @Nullable Path tokenFile;

    @Option(names = "--sign-out", description = "removes the token of --token-file and ends")
    private boolean signOut;

    @Option(names = "--me-url", paramLabel = "URL", description = "an API to call with the newest token at the end")
    private @Nullable URI meUrl;

    @Option(names = "--json", description = "one JSON object a line")
    private boolean json;

    private final Map<String, String> environment;
    private final InputStream in;
    private final InstantSource clock = InstantSource.system();

    DesktopLogin(Map<String, String> environment, InputStream in) {
        this.environment = environment;
        this.in = in;
    }

    /**
     * Runs the program.
     *
     * @param args see {@code --help}
     */
    public static void main(String[] args) {
        // Not picocli's own writer, which never learns that a pipe has closed.
        System.exit(commandLine(System.getenv(), System.in)
                .setOut(new PrintWriter(System.out, false, Charset.defaultCharset()))
                .execute(args));
    }

    static CommandLine commandLine(Map<String, String> environment, InputStream in) {
        CommandLine commandLine = new CommandLine(new DesktopLogin(environment, in));
        OptionValues.register(commandLine);
        return commandLine.setParameterExceptionHandler(DesktopLogin::complain);
    }

    /**
     * Reports a wrong command line in one line, where picocli would print the whole help. {@code --json} may not have been
     * read yet.
     */
    private static int complain(ParameterException wrong, String[] args) {
        PrintWriter out = wrong.getCommandLine().getOut();
        PrintWriter err = wrong.getCommandLine().getErr();
        InstantSource clock = InstantSource.system();
        try (Reporter reporter = List.of(args).contains("--json")
                ? new JsonLines(out, clock)
                : new Screen(out, err, clock, false, false)) {
            return fail(Failure.usage(wrong.getMessage() + ". See --help."), reporter);
        }
    }

    private static int fail(Failure failure, Reporter reporter) {
        reporter.error(failure.kind(), failure.message());
        return failure.exitCode();
    }

    @Override
    public Integer call() {
        try (Reporter reporter = reporter()) {
            AtExit atExit = AtExit.run(reporter::close);
            try {
                requireSense();
                run(reporter);
                return 0;
            } catch (RuntimeException e) {
                return fail(Failure.of(e), reporter);
            } finally {
                atExit.cancel();
            }
        }
    }

    private Reporter reporter() {
        PrintWriter out = spec.commandLine().getOut();
        if (json) {
            return new JsonLines(out, clock);
        }
        boolean live = Display.isTerminal(environment);
        boolean colour = live && environment.getOrDefault("NO_COLOR", "").isEmpty();
        return new Screen(out, spec.commandLine().getErr(), clock, live, colour);
    }

    /** Rejects combinations of options of which one would be ignored. */
    private void requireSense() {
        require(refreshes == null || refreshes >= 0, "--refreshes is 0 or more");
        require(
                clientId != null || exchange != null || (authorizeUrl == null && swapUrl == null && refreshUrl == null),
                "--authorize-url, --swap-url and --refresh-url belong to --exchange: set it too");
        require(clientId != null || tokenUrl == null, "--token-url belongs to --client-id: set it too");
        require(
                clientId == null || (exchange == null && swapUrl == null && refreshUrl == null && dialect == null),
                "--client-id signs in without an exchange server: leave out --exchange, --swap-url, --refresh-url and --dialect");
        require(
                clientId == null || (!clientId.isBlank() && authorizeUrl != null && tokenUrl != null),
                "--client-id needs --authorize-url and --token-url, for example of Spotify "
                        + "https://accounts.spotify.com/authorize and https://accounts.spotify.com/api/token");
        require(
                tokenLifetime == null || (!isElsewhere() && !hasSpotify()),
                "--token-lifetime is for the demo provider, which --exchange, --client-id and SPOTIFY_CLIENT_ID do not use");
        require(!signOut || tokenFile != null, "--sign-out removes the token of a file: name the file by --token-file");
        require(
                tokenFile == null || signOut || isElsewhere() || !hasSpotify() || hasSealKeys(),
                "--token-file needs SEAL_KEYS here: without it the exchange server of this program makes a new key at each start, "
                        + "and cannot open an older refresh token. Make a key with: openssl rand -base64 32");
        require(
                tokenFile == null || signOut || isElsewhere() || hasSpotify(),
                "--token-file needs --exchange or --client-id: the demo provider forgets its users when the program ends");
    }

    private static void require(boolean condition, String rule) {
        if (!condition) {
            throw new IllegalArgumentException(rule + ". See --help.");
        }
    }

    private void run(Reporter reporter) {
        if (signOut) {
            signOut(Objects.requireNonNull(tokenFile), reporter);
            return;
        }
        BrowserChoice choice = browser == null ? choose(reporter) : browser;
        if (clientId != null) {
            signIn(directLogin(clientId), Objects.requireNonNull(authorizeUrl), meUrl, choice, reporter);
        } else if (exchange != null) {
            signIn(LoginFlow.create(endpoint(exchange)), page(exchange), meUrl, choice, reporter);
        } else {
            try (EmbeddedSystem system = embedded(choice, reporter)) {
                URI uri = system.exchangeUri();
                URI me = meUrl == null ? system.meUri() : meUrl;
                signIn(LoginFlow.create(endpoint(uri)), page(uri), me, choice, reporter);
            }
        }
    }

    private BrowserChoice choose(Reporter reporter) {
        boolean demo = !isElsewhere() && !hasSpotify();
        Display display = Display.of(System.getProperty("os.name"), environment, demo);
        reporter.note(display.reason());
        return display.choice();
    }

    /** Returns true if the program starts no exchange server. */
    private boolean isElsewhere() {
        return exchange != null || clientId != null;
    }

    private boolean hasSpotify() {
        return EmbeddedSystem.hasSpotifyClient(environment);
    }

    private boolean hasSealKeys() {
        return Stream.of("SEAL_KEYS", "SEAL_KEYS_FILE", "SEAL_KEY")
                .anyMatch(name -> !environment.getOrDefault(name, "").isBlank());
    }

    private EmbeddedSystem embedded(BrowserChoice choice, Reporter reporter) {
        if (hasSpotify()) {
            EmbeddedSystem system = EmbeddedSystem.withSpotify(environment, listen);
            reporter.note("Redirect URI to register at Spotify: " + system.exchangeUri() + "/callback");
            return system;
        }
        Duration lifetime = tokenLifetime == null ? Duration.ofSeconds(10) : tokenLifetime;
        EmbeddedSystem system = EmbeddedSystem.withDemoProvider(listen, lifetime, choice == BrowserChoice.HEADLESS);
        reporter.note("Demo provider and exchange server are up at " + system.exchangeUri()
                + (choice == BrowserChoice.HEADLESS ? "." : ". Sign in as demo, password demo."));
        return system;
    }

    /** Returns the login at the provider itself, which takes the code verifier in place of a client secret. */
    private LoginFlow directLogin(String id) {
        URI page = Objects.requireNonNull(authorizeUrl);
        URI tokens = Objects.requireNonNull(tokenUrl);
        try {
            return LoginFlow.create(
                    ProviderEndpoint.create(tokens, ClientAuthentication.none(id)),
                    () -> AuthorizationRequest.builder(page).clientId(id));
        } catch (IllegalArgumentException wrong) {
            throw new IllegalArgumentException(
                    String.valueOf(wrong.getMessage()).replace("The token URI", "--token-url " + place(tokens)), wrong);
        }
    }

    private URI page(URI exchangeUri) {
        return authorizeUrl == null ? exchangeUri : authorizeUrl;
    }

    /** The program that a user of the library would write. */
    private void signIn(LoginFlow login, URI page, @Nullable URI me, BrowserChoice choice, Reporter reporter) {
        PastedRedirect pasted = new PastedRedirect(pasteable(choice), reporter);
        LoginFlow flow = login.scopes(scopes.toArray(String[]::new))
                .receiver(LoopbackReceiver.create()
                        .redirectUri(listen.get(0), listen.stream().skip(1).toArray(URI[]::new))
                        .timeout(timeout)
                        .pasted(pasted.lines()))
                .browser(browser(page, choice, pasted, reporter));

        Mono<TokenSession> session = tokenFile == null
                ? flow.login()
                : flow.store(FileTokenStore.ofFile(tokenFile)).restoreOrLogin();
        Mono.usingWhen(session, signedIn -> follow(signedIn, me, reporter), TokenSession::disposeLater)
                .block();
    }

    /** Removes the stored token. Nothing is sent, so that any exchange server will do. */
    private void signOut(Path file, Reporter reporter) {
        LoginFlow.create(endpoint(exchange == null ? listen.get(0) : exchange))
                .store(FileTokenStore.ofFile(file))
                .signOut()
                .block();
        reporter.note("Signed out: " + file + " holds no token.");
    }

    /** Shows the tokens and events of a session until the requested number of refreshes is done. */
    private Mono<Void> follow(TokenSession session, @Nullable URI me, Reporter reporter) {
        Flux<Token> tokens = session.tokens()
                .publishOn(Schedulers.single())
                .index()
                .doOnNext(numbered -> reporter.token(numbered.getT2(), numbered.getT1(), refreshAt(numbered.getT2())))
                .map(Tuple2::getT2);
        Mono<Void> done = (refreshes == null ? tokens : tokens.take(refreshes + 1))
                .then(me == null ? Mono.empty() : ApiCall.get(me, session, reporter));
        Mono<Void> events = session.events()
                .publishOn(Schedulers.single())
                .doOnNext(reporter::event)
                .then(Mono.never());
        return Mono.firstWithSignal(events, done);
    }

    /** Returns about when the session refreshes: 5 minutes before expiry, and at most a fifth of the lifetime. */
    private static @Nullable Instant refreshAt(Token token) {
        Instant expiresAt = token.expiresAt();
        if (expiresAt == null) {
            return null;
        }
        Duration fifth = Duration.between(token.issuedAt(), expiresAt).dividedBy(5);
        Duration margin = Duration.ofMinutes(5);
        return expiresAt.minus(fifth.compareTo(margin) < 0 ? fifth : margin);
    }

    private ExchangeServerEndpoint endpoint(URI exchangeUri) {
        ExchangeServerEndpoint.Builder endpoint =
                ExchangeServerEndpoint.builder(exchangeUri).dialect(dialect == null ? Dialect.JSON : dialect);
        if (authorizeUrl != null) {
            endpoint.authorizeUri(authorizeUrl);
        }
        if (swapUrl != null) {
            endpoint.swapUri(swapUrl);
        }
        if (refreshUrl != null) {
            endpoint.refreshUri(refreshUrl);
        }
        try {
            return endpoint.build();
        } catch (IllegalArgumentException wrong) {
            throw new IllegalArgumentException(inOptions(String.valueOf(wrong.getMessage()), exchangeUri), wrong);
        }
    }

    /** Replaces the library's name of a URI by its option and value. The value is shown without user information and query. */
    private String inOptions(String message, URI exchangeUri) {
        return message.replace("The base URI", "--exchange " + place(exchangeUri))
                .replace("The authorize URI", "--authorize-url " + place(authorizeUrl))
                .replace("The swap URI", "--swap-url " + place(swapUrl))
                .replace("The refresh URI", "--refresh-url " + place(refreshUrl));
    }

    private static String place(@Nullable URI uri) {
        return uri == null
                ? ""
                : uri.getScheme() + "://" + uri.getHost() + (uri.getPort() < 0 ? "" : ":" + uri.getPort());
    }

    /** Returns the pasted lines, for a user whose browser is on another machine, or cannot reach this one. */
    private Flux<String> pasteable(BrowserChoice choice) {
        boolean person = choice == BrowserChoice.SYSTEM && Display.isTerminal(environment);
        return person || choice == BrowserChoice.PRINT ? PastedLines.of(in, Schedulers.boundedElastic()) : Flux.empty();
    }

    /**
     * Returns the browser. It opens only if something listens at the login page: otherwise the person would read about
     * it in the browser, and the program would wait for the timeout.
     */
    private Browser browser(URI page, BrowserChoice choice, PastedRedirect pasted, Reporter reporter) {
        Browser printing = Browser.printing(uri -> {
            pasted.expect(uri);
            reporter.authorize(uri, choice != BrowserChoice.HEADLESS);
            if (choice == BrowserChoice.PRINT && isElsewhere()) {
                String server = clientId == null ? "exchange server" : "provider";
                reporter.note(
                        "If the browser is on another machine, paste the address at which it ends here. If it shows an error"
                                + " of the " + server + ", that server may not allow the address of --listen.");
            }
        });
        String server = clientId == null ? "exchange server" : "provider";
        String option = clientId == null ? "--exchange" : "--authorize-url";
        Browser shown = uri -> Reachability.check(page, server, option).then(printing.open(uri));
        return switch (choice) {
            case PRINT -> shown;
            case SYSTEM ->
                uri -> shown.open(uri)
                        .then(Browser.system().orElse(byHand(reporter)).open(uri));
            case HEADLESS -> uri -> shown.open(uri).then(new HeadlessBrowser().open(uri));
        };
    }

    private static Browser byHand(Reporter reporter) {
        return uri -> Mono.fromRunnable(
                () -> reporter.note("No browser could be opened: open the URL in one on this machine."));
    }
}
