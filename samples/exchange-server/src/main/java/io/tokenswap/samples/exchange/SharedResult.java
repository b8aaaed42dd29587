package io.tokenswap.samples.exchange;

import io.tokenswap.KeyRing;
import io.tokenswap.samples.exchange.ErrorResponse.Processed;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * The result of a request as the instances share it: a grant, or the failure to get one. It is sealed, and names the
 * request that it belongs to. Times are relative, because the clocks of the instances differ.
 */
final class SharedResult {

    private static final long UNKNOWN = Long.MIN_VALUE;

    private SharedResult() {}

    static String seal(Seals seals, GrantKey key, Grant grant, Instant now) {
        return seals.seal(Seals.Purpose.SHARED_RESULT, out -> {
            out.writeUTF(key.hash());
            out.writeBoolean(true);
            out.writeUTF(grant.accessToken());
            out.writeUTF(grant.tokenType());
            out.writeUTF(grant.scope());
            writeLeft(out, grant.expiresAt(), now);
            writeLeft(out, grant.grantExpiresAt(), now);
            out.writeLong(
                    grant.refreshTokenTimeout() == null
                            ? UNKNOWN
                            : grant.refreshTokenTimeout().toMillis());
            out.writeUTF(grant.refreshToken() == null ? "" : grant.refreshToken());
        });
    }

    static String seal(Seals seals, GrantKey key, ErrorResponse failure) {
        return seals.seal(Seals.Purpose.SHARED_RESULT, out -> {
            out.writeUTF(key.hash());
            out.writeBoolean(false);
            out.writeInt(failure.status);
            out.writeUTF(failure.error);
            out.writeUTF(failure.description());
            out.writeUTF(failure.processed == null ? "" : failure.processed.name());
        });
    }

    /**
     * Opens a result.
     *
     * @param age the time since it was sealed, by the clock of the memory
     * @param left the time for which it stays, which is the pause that a failure asks for
     * @return the grant
     * @throws ErrorResponse if the result is a failure
     * @throws KeyRing.OpenException if it does not open
     */
    static Grant open(Seals seals, GrantKey key, String sealed, Duration age, Duration left, Instant now) {
        return seals.open(Seals.Purpose.SHARED_RESULT, sealed, null, in -> {
            if (!in.readUTF().equals(key.hash())) {
                throw new IOException("The result of another request");
            }
            return in.readBoolean() ? grant(in, now.minus(age)) : failed(in, left);
        });
    }

    private static Grant grant(DataInputStream in, Instant then) throws IOException {
        String accessToken = in.readUTF();
        String tokenType = in.readUTF();
        String scope = in.readUTF();
        Instant expiresAt = readInstant(in, then);
        Instant grantExpiresAt = readInstant(in, then);
        long timeout = in.readLong();
        String refreshToken = in.readUTF();
        return new Grant(
                accessToken,
                tokenType,
                scope,
                expiresAt,
                grantExpiresAt,
                timeout == UNKNOWN ? null : Duration.ofMillis(timeout),
                refreshToken.isEmpty() ? null : refreshToken);
    }

    private static Grant failed(DataInputStream in, Duration left) throws IOException {
        int status = in.readInt();
        String error = in.readUTF();
        String description = in.readUTF();
        String processed = in.readUTF();
        boolean passing = status == 429 || status == 503;
        throw new ErrorResponse(
                        status,
                        error,
                        description,
                        passing ? ErrorResponse.retryAfter(left) : java.util.Map.of(),
                        processed.isEmpty() ? null : Processed.valueOf(processed))
                .nobodysFault();
    }

    private static void writeLeft(DataOutputStream out, @Nullable Instant end, Instant now) throws IOException {
        out.writeLong(end == null ? UNKNOWN : Duration.between(now, end).toMillis());
    }

    private static @Nullable Instant readInstant(DataInputStream in, Instant then) throws IOException {
        long left = in.readLong();
        return left == UNKNOWN ? null : then.plusMillis(left);
    }
}
