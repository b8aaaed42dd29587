package io.tokenswap.testing;

import io.tokenswap.AuthorizationCode;
import io.tokenswap.RefreshToken;
import io.tokenswap.Token;
import io.tokenswap.TokenEndpoint;
import io.tokenswap.TokenUnavailableException;
import io.tokenswap.TokenUnavailableException.Reason;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.core.scheduler.Scheduler;

/**
 * A provider with rotation and reuse detection, for several nodes. Each refresh consumes the refresh token. A consumed
 * refresh token that is presented again within the grace yields a successor again; after the grace it revokes the whole
 * login: every refresh token of that login is then refused. Each node has an {@link #endpoint}, and each presentation
 * is recorded.
 *
 * <pre>{@code
 * RotatingProvider provider = new RotatingProvider(clock).grace(Duration.ofSeconds(30));
 * Token token = provider.signIn("alice");
 * TokenEndpoint endpoint = provider.endpoint("a", clock, clock.scheduler());
 * provider.faults(presentation -> Fault.losesResponse());
 * }</pre>
 *
 * <p>Safe for use by any thread.
 */
public final class RotatingProvider {

    private final InstantSource clock;
    private final Scheduler network;
    private final Map<String, Grant> grants = new HashMap<>();
    private final Map<String, Grant> accessTokens = new HashMap<>();
    private final List<Presentation> presentations = new ArrayList<>();
    private final Map<String, Login> logins = new HashMap<>();

    private Duration grace = Duration.ZERO;
    private Duration lifetime = Duration.ofHours(1);
    private boolean rotates = true;
    private boolean sameSuccessor;
    private boolean revokesOnReuse = true;
    private Function<Presentation, Fault> faults = presentation -> Fault.none();
    private int serial;

    /**
     * Creates a provider without grace, whose access tokens live for an hour.
     *
     * @param clock the provider's clock, and the scheduler of its network
     */
    public RotatingProvider(VirtualClock clock) {
        this.clock = clock;
        this.network = clock.scheduler();
    }

    /**
     * Sets how long a consumed refresh token is accepted again.
     *
     * @param grace counted from the first use
     * @return this provider
     */
    public RotatingProvider grace(Duration grace) {
        this.grace = Objects.requireNonNull(grace, "grace");
        return this;
    }

    /**
     * Returns the same successor when a refresh token is repeated within the grace. By default the earlier successor is
     * replaced.
     */
    public RotatingProvider repeatsSuccessor() {
        sameSuccessor = true;
        return this;
    }

    /** Refuses a consumed refresh token and keeps the login. By default the login is revoked. */
    public RotatingProvider toleratesReuse() {
        revokesOnReuse = false;
        return this;
    }

    /** Never returns a new refresh token. */
    public RotatingProvider keepsRefreshTokens() {
        rotates = false;
        return this;
    }

    /**
     * Sets the lifetime of access tokens.
     *
     * @param lifetime an hour by default
     * @return this provider
     */
    public RotatingProvider lifetime(Duration lifetime) {
        this.lifetime = Objects.requireNonNull(lifetime, "lifetime");
        return this;
    }

    /**
     * Asks a function for the fault of each presentation from now on.
     *
     * @param faults called once for each presentation
     */
    public void faults(Function<Presentation, Fault> faults) {
        this.faults = Objects.requireNonNull(faults, "faults");
    }

    /**
     * Signs a user in. Earlier logins of the user stay as they are.
     *
     * @param user the name of the user
     * @return the first token of a new login
     */
    public synchronized Token signIn(String user) {
        return signIn(user, clock);
    }

    /**
     * Signs a user in at a node.
     *
     * @param user the name of the user
     * @param nodeClock the clock of that node
     * @return the first token of a new login
     */
    public synchronized Token signIn(String user, InstantSource nodeClock) {
        Login login = new Login(user, logins.size() + 1);
        logins.put(login.name, login);
        return grant(login, nodeClock.instant());
    }

    /**
     * Revokes a login, as the user can do at the provider.
     *
     * @param token any token of the login
     */
    public synchronized void revoke(Token token) {
        grant(token).login.revoked = true;
    }

    /**
     * Returns true if a login is revoked.
     *
     * @param token any token of the login
     * @return true after a revocation, and after a consumed refresh token was presented too late
     */
    public synchronized boolean isRevoked(Token token) {
        return grant(token).login.revoked;
    }

    /**
     * Returns true if the refresh token would be accepted as an unused one.
     *
     * @param token a token of this provider
     * @return false if the login is revoked, or if the refresh token was consumed or replaced
     */
    public synchronized boolean accepts(Token token) {
        Grant grant = grant(token);
        return !grant.login.revoked && !grant.superseded && grant.consumedAt == null;
    }

    /**
     * Returns the user of a token.
     *
     * @param token a token of this provider
     * @return the name of the user
     */
    public synchronized String user(Token token) {
        return grant(token).login.user;
    }

    /**
     * Returns the login of a token.
     *
     * @param token a token of this provider
     * @return the number of the login, counted from 1 over all users
     */
    public synchronized int login(Token token) {
        return grant(token).login.number;
    }

    /**
     * Returns the place of a token in the order in which this provider granted tokens.
     *
     * @param token a token of this provider
     * @return its number
     */
    public synchronized int serial(Token token) {
        return grant(token).serial;
    }

    /**
     * Returns the presentations so far.
     *
     * @return one for each subscription to a refresh, in order
     */
    public synchronized List<Presentation> presentations() {
        return List.copyOf(presentations);
    }

    /**
     * Returns the endpoint of a node. Its responses arrive by the scheduler of the node.
     *
     * @param node the name of the node
     * @param nodeClock the clock of the node, by which tokens are issued and expire
     * @param scheduler the scheduler of the node
     * @return the endpoint
     */
    public TokenEndpoint endpoint(String node, InstantSource nodeClock, Scheduler scheduler) {
        return new TokenEndpoint() {
            @Override
            public Mono<Token> swap(AuthorizationCode code) {
                return Mono.error(new UnsupportedOperationException());
            }

            @Override
            public Mono<Token> refresh(RefreshToken refreshToken) {
                return Mono.defer(() -> present(node, refreshToken, nodeClock.instant(), scheduler));
            }
        };
    }

    private Mono<Token> present(String node, RefreshToken refreshToken, Instant issuedAt, Scheduler scheduler) {
        Presentation presentation = record(node, refreshToken);
        Fault fault = faults.apply(presentation);
        presentation.fault = fault.name;
        // A request goes its way whether or not the node waits for the response.
        Sinks.One<Token> response = Sinks.one();
        after(fault.request)
                .then(fault.processed ? Mono.defer(() -> process(presentation, issuedAt)) : Mono.<Token>empty())
                .materialize()
                .flatMap(outcome -> after(fault.response).thenReturn(outcome))
                .flatMap(outcome -> fault.reported == null
                        ? Mono.just(outcome).<Token>dematerialize()
                        : fault.reported.apply(clock))
                .subscribe(response::tryEmitValue, response::tryEmitError);
        return response.asMono().publishOn(scheduler).doOnTerminate(() -> presentation.respondedAt = clock.instant());
    }

    private Mono<Void> after(Duration delay) {
        return delay.isZero() ? Mono.empty() : Mono.delay(delay, network).then();
    }

    private synchronized Presentation record(String node, RefreshToken refreshToken) {
        Presentation presentation = new Presentation(node, refreshToken.secret(), clock.instant());
        presentations.add(presentation);
        return presentation;
    }

    private synchronized Mono<Token> process(Presentation presentation, Instant issuedAt) {
        Instant now = clock.instant();
        presentation.processedAt = now;
        Grant grant = grants.get(presentation.refreshToken);
        if (grant == null || grant.login.revoked || grant.superseded) {
            return refuse(presentation);
        }
        if (!rotates) {
            return grant(presentation, renamed(grant(grant.login, issuedAt), presentation.refreshToken));
        }
        Grant successor = grant.successor;
        if (successor == null) {
            grant.consumedAt = now;
        } else if (successor.consumedAt != null || !grant.isWithin(grace, now)) {
            grant.login.revoked |= revokesOnReuse;
            return refuse(presentation);
        } else if (sameSuccessor) {
            return grant(presentation, renamed(grant(grant.login, issuedAt), successor.refreshToken));
        } else {
            successor.superseded = true;
        }
        Token token = grant(grant.login, issuedAt);
        grant.successor = grant(token);
        return grant(presentation, token);
    }

    private static Mono<Token> grant(Presentation presentation, Token token) {
        presentation.granted = token;
        return Mono.just(token);
    }

    private static Mono<Token> refuse(Presentation presentation) {
        presentation.refused = true;
        return Mono.error(ScriptedEndpoint.invalidGrant());
    }

    private static Token renamed(Token token, String refreshToken) {
        return token.toBuilder().refreshToken(refreshToken).build();
    }

    private Token grant(Login login, Instant issuedAt) {
        String name = login.name + "-" + ++serial;
        Grant grant = new Grant(login, serial, "refresh-" + name);
        grants.put(grant.refreshToken, grant);
        accessTokens.put("access-" + name, grant);
        return Token.builder("access-" + name, issuedAt)
                .refreshToken(grant.refreshToken)
                .expiresAt(issuedAt.plus(lifetime))
                .build();
    }

    private Grant grant(Token token) {
        return Objects.requireNonNull(accessTokens.get(token.accessToken().secret()), "not a token of this provider");
    }

    /** Fault of one refresh. */
    public static final class Fault {

        private final String name;
        private final Duration request;
        private final boolean processed;
        private final Duration response;
        private final @Nullable Function<InstantSource, Mono<Token>> reported;

        private Fault(
                String name,
                Duration request,
                boolean processed,
                Duration response,
                @Nullable Function<InstantSource, Mono<Token>> reported) {
            this.name = name;
            this.request = request;
            this.processed = processed;
            this.response = response;
            this.reported = reported;
        }

        /** Nothing goes wrong. */
        public static Fault none() {
            return new Fault("none", Duration.ZERO, true, Duration.ZERO, null);
        }

        /** No connection: the request is not sent. */
        public static Fault notSent() {
            return unprocessed("not sent", Reason.NOT_SENT);
        }

        /** The request is lost on its way, and the connection breaks. */
        public static Fault losesRequest() {
            return unprocessed("request lost", Reason.RESPONSE_LOST);
        }

        /** The refresh takes place, its response is lost, and the connection breaks. */
        public static Fault losesResponse() {
            return new Fault("response lost", Duration.ZERO, true, Duration.ZERO, now -> lost(0));
        }

        /** The request is lost on its way and nothing ever arrives. */
        public static Fault losesRequestSilently() {
            return new Fault("request lost silently", Duration.ZERO, false, Duration.ZERO, now -> Mono.never());
        }

        /** The refresh takes place and no response ever arrives. */
        public static Fault losesResponseSilently() {
            return new Fault("response lost silently", Duration.ZERO, true, Duration.ZERO, now -> Mono.never());
        }

        /** A proxy responds with 502 and the refresh does not take place. */
        public static Fault failsBefore() {
            return new Fault("502 before", Duration.ZERO, false, Duration.ZERO, now -> lost(502));
        }

        /** The refresh takes place and a proxy responds with 502. */
        public static Fault failsAfterwards() {
            return new Fault("502 afterwards", Duration.ZERO, true, Duration.ZERO, now -> lost(502));
        }

        /**
         * The provider responds with 429 and {@code Retry-After}.
         *
         * @param pause how long to stay away
         */
        public static Fault throttles(Duration pause) {
            return new Fault(
                    "throttled for " + pause,
                    Duration.ZERO,
                    false,
                    Duration.ZERO,
                    clock -> Mono.error(
                            ScriptedEndpoint.throttled(clock.instant().plus(pause))));
        }

        private static Fault unprocessed(String name, Reason reason) {
            return new Fault(
                    name,
                    Duration.ZERO,
                    false,
                    Duration.ZERO,
                    clock -> Mono.error(new TokenUnavailableException(name, reason, null, null)));
        }

        private static Mono<Token> lost(int status) {
            return Mono.error(new TokenUnavailableException("no response", Reason.RESPONSE_LOST, null, null, status));
        }

        /**
         * Returns this fault on a slow network.
         *
         * @param request how long the request travels, until it takes place
         * @param response how long the response travels
         * @return a fault that takes its time
         */
        public Fault slow(Duration request, Duration response) {
            return new Fault(name, request, processed, response, reported);
        }

        @Override
        public String toString() {
            return name + " " + request.toMillis() + "+" + response.toMillis() + " ms";
        }
    }

    /** One refresh token that was presented. */
    public static final class Presentation {

        private final String node;
        private final String refreshToken;
        private final Instant at;
        private volatile @Nullable Instant processedAt;
        private volatile @Nullable Instant respondedAt;
        private volatile @Nullable Token granted;
        private volatile boolean refused;
        private volatile String fault = "none";

        private Presentation(String node, String refreshToken, Instant at) {
            this.node = node;
            this.refreshToken = refreshToken;
            this.at = at;
        }

        /** Returns the name of the node. */
        public String node() {
            return node;
        }

        /** Returns the refresh token. */
        public String refreshToken() {
            return refreshToken;
        }

        /** Returns when the endpoint was subscribed to, by the provider's clock. */
        public Instant at() {
            return at;
        }

        /** Returns when the provider processed it, null if it did not (yet). */
        public @Nullable Instant processedAt() {
            return processedAt;
        }

        /** Returns when the node had the outcome, null if it never had it. */
        public @Nullable Instant respondedAt() {
            return respondedAt;
        }

        /** Returns the token that it was granted. */
        public @Nullable Token granted() {
            return granted;
        }

        /** Returns true if the provider refused it. */
        public boolean isRefused() {
            return refused;
        }

        /** Returns the name of its fault. */
        public String fault() {
            return fault;
        }

        @Override
        public String toString() {
            return node + " presented " + refreshToken + " at " + at + " (" + fault
                    + (refused ? ", refused" : granted == null ? "" : ", granted") + ")";
        }
    }

    private static final class Login {

        private final String user;
        private final int number;
        private final String name;
        private boolean revoked;

        Login(String user, int number) {
            this.user = user;
            this.number = number;
            this.name = user + "-" + number;
        }
    }

    private static final class Grant {

        private final Login login;
        private final int serial;
        private final String refreshToken;
        private @Nullable Instant consumedAt;
        private @Nullable Grant successor;
        private boolean superseded;

        Grant(Login login, int serial, String refreshToken) {
            this.login = login;
            this.serial = serial;
            this.refreshToken = refreshToken;
        }

        boolean isWithin(Duration grace, Instant now) {
            return consumedAt != null && now.isBefore(consumedAt.plus(grace));
        }
    }
}
