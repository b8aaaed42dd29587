package io.tokenswap.http;

import io.netty.handler.codec.http.QueryStringDecoder;
import io.tokenswap.testing.RawServer;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;

/**
 * An exchange server of the published dialect whose provider may replace the refresh token at each use, and ends the grant when
 * one is used that was replaced too long ago. A code works once.
 */
final class RotatingServer implements Disposable {

    /** What becomes of a refresh token that was used. */
    enum Rotation {
        NONE,
        GRACE_30_S,
        GRACE_0
    }

    private static final Duration GRACE = Duration.ofSeconds(30);

    private final Rotation rotation;
    private final InstantSource clock;
    private final RawServer server;
    private final Set<String> usedCodes = new HashSet<>();
    private int granted;
    private int rotated;
    private @Nullable Instant rotatedAt;
    private boolean revoked;

    RotatingServer(Rotation rotation, InstantSource clock) {
        this.rotation = rotation;
        this.clock = clock;
        this.server = RawServer.playing(connection -> {
            while (true) {
                String request = connection.request();
                connection.write(response(request));
            }
        });
    }

    private synchronized String response(String request) {
        Map<String, List<String>> fields =
                new QueryStringDecoder(request.substring(request.indexOf("\r\n\r\n") + 4), false).parameters();
        List<String> code = fields.get("code");
        boolean accepted = code == null ? accepts(fields.get("refresh_token").get(0)) : usedCodes.add(code.get(0));
        String json = accepted
                ? "{\"access_token\":\"canary-access-" + ++granted + "\",\"expires_in\":3600,\"refresh_token\":\""
                        + refreshToken() + "\"}"
                : "{\"error\":\"invalid_grant\"}";
        return "HTTP/1.1 " + (accepted ? "200 OK" : "400 Bad Request")
                + "\r\nContent-Type: application/json\r\nContent-Length: " + json.length() + "\r\n\r\n" + json;
    }

    private boolean accepts(String refreshToken) {
        if (refreshToken.equals(refreshToken())) {
            if (rotation != Rotation.NONE) {
                rotated++;
                rotatedAt = clock.instant();
            }
            return !revoked;
        }
        boolean graceful = rotation == Rotation.GRACE_30_S
                && refreshToken.equals("canary-refresh-" + (rotated - 1))
                && rotatedAt != null
                && !clock.instant().isAfter(rotatedAt.plus(GRACE));
        revoked |= !graceful;
        return graceful && !revoked;
    }

    /** The refresh token of the day. */
    synchronized String refreshToken() {
        return "canary-refresh-" + rotated;
    }

    int port() {
        return server.port();
    }

    /** Returns the number of complete requests. */
    int requests() {
        return server.requests().size();
    }

    /** Returns the number of complete requests whose body contains a text. */
    long requestsWith(String secret) {
        return server.requests().stream()
                .filter(request -> request.endsWith(secret))
                .count();
    }

    @Override
    public void dispose() {
        server.dispose();
    }
}
