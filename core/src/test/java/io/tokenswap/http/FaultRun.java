package io.tokenswap.http;

import io.tokenswap.AuthorizationCode;
import io.tokenswap.LoginRequiredException;
import io.tokenswap.Token;
import io.tokenswap.TokenEndpoint;
import io.tokenswap.TokenSwapException;
import io.tokenswap.TokenUnavailableException;
import io.tokenswap.TokenUnavailableException.Reason;
import io.tokenswap.session.TokenSession;
import io.tokenswap.testing.Fault;
import io.tokenswap.testing.FaultProxy;
import io.tokenswap.testing.Position;
import io.tokenswap.testing.VirtualClock;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import reactor.netty.http.client.HttpClient;
import reactor.util.retry.Retry;

/** One login, or one refresh of a session, of which the network loses, delays or replaces something. */
record FaultRun(Fault fault, Position position, boolean swap, RotatingServer.Rotation rotation) {

    /** How a run ended. */
    enum End {
        /** The first request brought the token. */
        AT_ONCE('.'),
        /** A refresh was repeated, and brought the token. */
        REPEATED('r'),
        /** A swap failed, and its code was not sent again. */
        NEW_LOGIN('n'),
        /** The session has ended. */
        LOST('L'),
        /** Something never ended. */
        HUNG('H');

        final char mark;

        End(char mark) {
            this.mark = mark;
        }
    }

    /**
     * What came of it.
     *
     * @param requests how many requests the server got
     * @param broken which rules were broken
     */
    record Result(FaultRun run, End end, int requests, List<String> broken) {}

    /** No test waits for longer. */
    private static final Duration FOREVER = Duration.ofSeconds(30);

    private static final Duration FIRST_REPEAT = Duration.ofSeconds(2);

    Result play(HttpClient http) {
        VirtualClock clock = new VirtualClock();
        RotatingServer server = new RotatingServer(rotation, clock);
        FaultProxy network = FaultProxy.to(server.port()).then(fault, position);
        List<String> broken = new ArrayList<>();
        Attempts attempts = new Attempts(
                endpoint(network.uri(), http, clock, firstTimeout()),
                endpoint(network.uri(), http, clock, FOREVER.dividedBy(2)),
                broken::add);
        try {
            End end = swap ? login(clock, server, attempts, broken) : refresh(clock, server, attempts, broken);
            return new Result(this, end, server.requests(), broken);
        } catch (IllegalStateException blockedForever) {
            return new Result(this, End.HUNG, server.requests(), broken);
        } finally {
            network.dispose();
            server.dispose();
        }
    }

    /** Only where the network is silent is the timeout short: elsewhere a slow machine would look like a fault. */
    private Duration firstTimeout() {
        return fault.isSlow() ? Duration.ofSeconds(1) : FOREVER.dividedBy(2);
    }

    private static TokenEndpoint endpoint(URI uri, HttpClient http, VirtualClock clock, Duration timeout) {
        return ExchangeServerEndpoint.builder(uri)
                .dialect(Dialect.FORM)
                .httpClient(http)
                .clock(clock)
                .timeout(timeout)
                .build();
    }

    private End login(VirtualClock clock, RotatingServer server, Attempts attempts, List<String> broken) {
        Token token = swapped(attempts, "canary-code-1");
        if (server.requestsWith("code=canary-code-1") > 1) {
            broken.add("a code was sent again");
        }
        End end = token == null ? End.NEW_LOGIN : End.AT_ONCE;
        if (token == null) {
            token = swapped(attempts, "canary-code-2");
        }
        return token != null && continues(session(clock, attempts, token)) ? end : End.LOST;
    }

    /** A swap as a login does it: repeated only if nothing was sent. */
    private static Token swapped(Attempts attempts, String code) {
        try {
            return attempts.swap(AuthorizationCode.of(code, Samples.REDIRECT, null, Set.of()))
                    .retryWhen(Retry.backoff(2, Duration.ofMillis(10))
                            .filter(error -> error instanceof TokenUnavailableException unavailable
                                    && unavailable.reason() == Reason.NOT_SENT))
                    .block(FOREVER);
        } catch (TokenSwapException failed) {
            return null;
        }
    }

    private End refresh(VirtualClock clock, RotatingServer server, Attempts attempts, List<String> broken) {
        Instant now = clock.instant();
        TokenSession session = session(
                clock,
                attempts,
                Token.builder("canary-access-0", now.minusSeconds(3600))
                        .refreshToken(server.refreshToken())
                        .expiresAt(now)
                        .build());
        Token token = null;
        try {
            while (token == null && attempts.started() < 9) {
                token = tokenOrPause(session, clock);
            }
        } catch (LoginRequiredException ended) {
            token = null;
        }
        int needed = attempts.started();
        if (needed > 2 || server.requests() > needed) {
            broken.add(needed + " attempts, " + server.requests() + " requests");
        }
        if (Duration.between(now, clock.instant()).compareTo(FIRST_REPEAT) > 0) {
            broken.add("repeated too late");
        }
        if (token == null || !continues(session)) {
            return End.LOST;
        }
        return needed > 1 ? End.REPEATED : End.AT_ONCE;
    }

    private static TokenSession session(VirtualClock clock, TokenEndpoint endpoint, Token token) {
        return TokenSession.builder(endpoint)
                .clock(clock)
                .scheduler(clock.scheduler())
                .build(token);
    }

    private static Token tokenOrPause(TokenSession session, VirtualClock clock) {
        try {
            return session.token().block(FOREVER);
        } catch (TokenUnavailableException pause) {
            clock.advance(Duration.between(clock.instant(), pause.retryAt()));
            return null;
        }
    }

    /** Returns true if the session can refresh once more, now that the network is well. */
    private static boolean continues(TokenSession session) {
        try {
            Token current = session.token().block(FOREVER);
            session.invalidate(current);
            return !session.token()
                    .block(FOREVER)
                    .accessToken()
                    .equals(current.accessToken().secret());
        } catch (TokenSwapException lost) {
            return false;
        } finally {
            session.dispose();
        }
    }

    @Override
    public String toString() {
        return (swap ? "swap" : "refresh, rotation " + rotation) + ", " + fault + " " + position;
    }
}
