package io.tokenswap.samples.exchange;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.time.Instant;

/**
 * Refresh token that the application receives in place of the provider's refresh token. It is useless at the provider, and
 * at another exchange server.
 *
 * @param refreshToken the provider's refresh token, a secret
 * @param authorizedAt the time of the user's consent, from which some providers count the life of the grant
 */
record SealedRefreshToken(String refreshToken, Instant authorizedAt) implements Seals.Content {

    static SealedRefreshToken open(Seals seals, String sealed) {
        return seals.open(Seals.Purpose.REFRESH_TOKEN, sealed, null, SealedRefreshToken::read);
    }

    String seal(Seals seals) {
        return seals.seal(Seals.Purpose.REFRESH_TOKEN, this);
    }

    @Override
    public void writeTo(DataOutputStream out) throws IOException {
        out.writeLong(authorizedAt.getEpochSecond());
        out.writeUTF(refreshToken);
    }

    private static SealedRefreshToken read(DataInputStream in) throws IOException {
        Instant authorizedAt = Instant.ofEpochSecond(in.readLong());
        return new SealedRefreshToken(in.readUTF(), authorizedAt);
    }

    @Override
    public String toString() {
        return "SealedRefreshToken[authorizedAt=" + authorizedAt + "]";
    }
}
