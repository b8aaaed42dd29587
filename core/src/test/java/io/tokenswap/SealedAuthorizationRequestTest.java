package io.tokenswap;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tokenswap.KeyRing.OpenException;
import io.tokenswap.KeyRing.OpenException.Reason;
import io.tokenswap.internal.RandomBytes;
import io.tokenswap.internal.UrlEncoded;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Base64;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** A login that begins on one node and ends on another. */
@Tag("E54")
class SealedAuthorizationRequestTest {

    private static final URI AUTHORIZE = URI.create("https://auth.example.com/login?tenant=a%26b");
    private static final URI REDIRECT = URI.create("https://music.example.com/auth?x=1");
    private static final Duration TEN_MINUTES = Duration.ofMinutes(10);
    private static final String OLD = Base64.getEncoder().encodeToString(RandomBytes.next(32));
    private static final String FRESH = Base64.getEncoder().encodeToString(RandomBytes.next(32));

    private final KeyRing keys = KeyRing.of(OLD);

    private static AuthorizationRequest full() {
        return AuthorizationRequest.builder(AUTHORIZE)
                .scopes("b", "a")
                .clientId("id & co")
                .issuer("https://id.example.com")
                .showDialog()
                .parameter("prompt", "a b&c=\u00e9")
                .build(REDIRECT);
    }

    @Test
    void theOtherNodeSeesTheSameRequest() {
        AuthorizationRequest request = full();
        AuthorizationRequest restored = AuthorizationRequest.unseal(request.seal(keys), KeyRing.of(OLD), TEN_MINUTES);

        assertThat(restored.uri()).isEqualTo(request.uri());
        assertThat(restored.redirectUri()).isEqualTo(REDIRECT);
        assertThat(restored).hasToString(request.toString());
    }

    @Test
    void theOtherNodeValidatesTheResponseAndSwapsWithTheSameVerifier() {
        AuthorizationRequest request = full();
        String state =
                UrlEncoded.parse(request.uri().getRawQuery()).get("state").get(0);
        AuthorizationRequest restored = AuthorizationRequest.unseal(request.seal(keys), keys, TEN_MINUTES);

        AuthorizationCode code = restored.validate("code=abc&iss=https%3A%2F%2Fid.example.com&state=" + state)
                .orElseThrow();
        assertThat(code.secret()).isEqualTo("abc");
        assertThat(code.codeVerifier())
                .isEqualTo(request.unsafeCodeWithoutState("c").codeVerifier());
        assertThat(code.scopes()).containsExactlyInAnyOrder("a", "b");
        assertThat(restored.validate("code=abc&state=" + state)).isInstanceOf(AuthorizationResponse.Failed.class);
        assertThat(restored.validate("code=abc&state=wrong")).isInstanceOf(AuthorizationResponse.Ignored.class);
    }

    @Test
    void aRequestWithoutOptionsIsRestoredToo() {
        AuthorizationRequest request =
                AuthorizationRequest.builder(AUTHORIZE).unsafeWithoutPkce().build(REDIRECT);

        assertThat(AuthorizationRequest.unseal(request.seal(keys), keys, TEN_MINUTES)
                        .uri())
                .isEqualTo(request.uri());
    }

    @Test
    void theTextFitsIntoACookieAndRevealsNothing() {
        AuthorizationRequest request = full();
        String state =
                UrlEncoded.parse(request.uri().getRawQuery()).get("state").get(0);
        String sealed = request.seal(keys);

        assertThat(sealed).hasSizeLessThan(1_000).matches("[A-Za-z0-9_-]+");
        String clear = new String(Base64.getUrlDecoder().decode(sealed), StandardCharsets.ISO_8859_1);
        assertThat(sealed + clear).doesNotContain(state, "example.com", "prompt");
        assertThat(request.seal(keys)).isNotEqualTo(sealed);
    }

    @Test
    void anAlteredTextIsRefused() {
        String sealed = full().seal(keys);
        char last = sealed.charAt(100);

        refuses(sealed.substring(0, 100) + (last == 'A' ? 'B' : 'A') + sealed.substring(101), keys, Reason.ALTERED);
        refuses("", keys, Reason.ALTERED);
        refuses("not sealed at all", keys, Reason.ALTERED);
        refuses(keys.seal("another purpose", "", new byte[3]), keys, Reason.ALTERED);
    }

    @Test
    void anExpiredTextIsRefused() {
        String sealed = full().seal(keys);

        assertThatThrownBy(() -> AuthorizationRequest.unseal(sealed, keys, Duration.ofMillis(-1)))
                .isInstanceOf(AuthorizationFailedException.class)
                .hasMessage("The sign-in took too long. Start it again.")
                .cause()
                .isInstanceOfSatisfying(
                        OpenException.class, cause -> assertThat(cause.reason()).isEqualTo(Reason.EXPIRED));
    }

    @Test
    void aTextOfAnUnknownKeyIsRefusedAndOneOfAnOlderKeyIsNot() {
        String sealed = full().seal(keys);

        refuses(sealed, KeyRing.of(FRESH), Reason.UNKNOWN_KEY);
        assertThat(AuthorizationRequest.unseal(sealed, KeyRing.of(FRESH, OLD), TEN_MINUTES))
                .isNotNull();
    }

    private static void refuses(String sealed, KeyRing keys, Reason reason) {
        assertThatThrownBy(() -> AuthorizationRequest.unseal(sealed, keys, TEN_MINUTES))
                .isInstanceOf(AuthorizationFailedException.class)
                .hasMessageMatching(".*(again|moment)\\.")
                .cause()
                .isInstanceOfSatisfying(
                        OpenException.class, cause -> assertThat(cause.reason()).isEqualTo(reason));
    }
}
