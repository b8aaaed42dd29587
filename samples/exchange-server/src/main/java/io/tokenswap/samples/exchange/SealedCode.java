package io.tokenswap.samples.exchange;

import io.tokenswap.CodeVerifier;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.Base64;
import org.jspecify.annotations.Nullable;

/**
 * Code that the application receives in place of the provider's code. A code that leaks on its way to the application is
 * useless without the verifier, because this server compares the challenge, whether or not the provider does.
 *
 * @param code the provider's code, a secret
 * @param challenge the S256 challenge of the login, or null if the login had none
 * @see <a href="https://www.rfc-editor.org/rfc/rfc7636#section-4.6">RFC 7636 section 4.6</a>
 */
record SealedCode(String code, @Nullable String challenge, String returnUri) implements Seals.Content {

    static final Duration LIFE = Duration.ofSeconds(60);

    static SealedCode open(Seals seals, String sealed) {
        return seals.open(Seals.Purpose.CODE, sealed, LIFE, SealedCode::read);
    }

    String seal(Seals seals) {
        return seals.seal(Seals.Purpose.CODE, this);
    }

    /** Compares the verifier with the challenge. Both are there or none is: a verifier without a challenge is a downgrade. */
    boolean isProvedBy(@Nullable CodeVerifier verifier) {
        if (challenge == null || verifier == null) {
            return challenge == null && verifier == null;
        }
        return MessageDigest.isEqual(
                challenge.getBytes(StandardCharsets.US_ASCII),
                verifier.challenge().getBytes(StandardCharsets.US_ASCII));
    }

    @Override
    public void writeTo(DataOutputStream out) throws IOException {
        out.writeUTF(code);
        byte[] hash = challenge == null ? new byte[0] : Base64.getUrlDecoder().decode(challenge);
        out.writeByte(hash.length);
        out.write(hash);
        out.writeUTF(returnUri);
    }

    private static SealedCode read(DataInputStream in) throws IOException {
        String code = in.readUTF();
        byte[] hash = in.readNBytes(in.readByte());
        String challenge = hash.length == 0
                ? null
                : Base64.getUrlEncoder().withoutPadding().encodeToString(hash);
        return new SealedCode(code, challenge, in.readUTF());
    }

    @Override
    public String toString() {
        return "SealedCode[returnUri=" + returnUri + "]";
    }
}
