package io.tokenswap.http;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.tokenswap.internal.UrlEncoded;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BiConsumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Authentication of the client at the provider. Immutable and safe for use by any thread; {@link #toString()} prints no
 * secret.
 *
 * <p>A secret may come from a {@link Supplier}, which is called for every request, so that a rotated secret takes
 * effect without a restart. The supplier runs on the thread that subscribes and must not block: read files elsewhere.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc6749#section-2.3">RFC 6749 section 2.3</a>
 */
public final class ClientAuthentication {

    private final String description;
    private final BiConsumer<HttpHeaders, Map<String, String>> method;

    private ClientAuthentication(String description, BiConsumer<HttpHeaders, Map<String, String>> method) {
        this.description = description;
        this.method = method;
    }

    /**
     * Sends id and secret in the {@code Authorization} header, which every provider must accept.
     *
     * @param clientId the client id
     * @param clientSecret the client secret
     * @return the authentication
     * @see <a href="https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1">RFC 6749 section 2.3.1</a>
     */
    public static ClientAuthentication basic(String clientId, String clientSecret) {
        Objects.requireNonNull(clientSecret, "clientSecret");
        return basic(clientId, () -> clientSecret);
    }

    /**
     * Sends id and secret in the {@code Authorization} header, which every provider must accept.
     *
     * @param clientId the client id
     * @param clientSecret returns the current client secret
     * @return the authentication
     * @see <a href="https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1">RFC 6749 section 2.3.1</a>
     */
    public static ClientAuthentication basic(String clientId, Supplier<String> clientSecret) {
        Objects.requireNonNull(clientId, "clientId");
        Objects.requireNonNull(clientSecret, "clientSecret");
        AtomicReference<@Nullable BasicHeader> last = new AtomicReference<>();
        return new ClientAuthentication("basic, " + clientId, (headers, fields) -> {
            String secret = Objects.requireNonNull(clientSecret.get(), "clientSecret");
            BasicHeader header = last.get();
            if (header == null || !header.secret.equals(secret)) {
                header = new BasicHeader(clientId, secret);
                last.set(header);
            }
            headers.set(HttpHeaderNames.AUTHORIZATION, header.value);
        });
    }

    /** Header of one secret, which most clients keep for their whole life. */
    private static final class BasicHeader {

        private final String secret;
        private final String value;

        BasicHeader(String clientId, String secret) {
            this.secret = secret;
            // Both are form-encoded first: a colon would end the id, and a header holds Latin-1 at most.
            String credentials = UrlEncoded.encodeForm(clientId) + ":" + UrlEncoded.encodeForm(secret);
            this.value = "Basic " + Base64.getEncoder().encodeToString(credentials.getBytes(StandardCharsets.US_ASCII));
        }
    }

    /**
     * Sends id and secret in the body, for a provider that does not read the header.
     *
     * @param clientId the client id
     * @param clientSecret the client secret
     * @return the authentication
     * @see <a href="https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1">RFC 6749 section 2.3.1</a>
     */
    public static ClientAuthentication post(String clientId, String clientSecret) {
        Objects.requireNonNull(clientSecret, "clientSecret");
        return post(clientId, () -> clientSecret);
    }

    /**
     * Sends id and secret in the body, for a provider that does not read the header.
     *
     * @param clientId the client id
     * @param clientSecret returns the current client secret
     * @return the authentication
     * @see <a href="https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1">RFC 6749 section 2.3.1</a>
     */
    public static ClientAuthentication post(String clientId, Supplier<String> clientSecret) {
        Objects.requireNonNull(clientId, "clientId");
        Objects.requireNonNull(clientSecret, "clientSecret");
        return new ClientAuthentication("post, " + clientId, (headers, fields) -> {
            fields.put("client_id", clientId);
            fields.put("client_secret", clientSecret.get());
        });
    }

    /**
     * Sends the id alone, for a public client, which proves itself by its {@link io.tokenswap.CodeVerifier}.
     *
     * @param clientId the client id
     * @return the authentication
     * @see <a href="https://www.rfc-editor.org/rfc/rfc6749#section-3.2.1">RFC 6749 section 3.2.1</a>
     */
    public static ClientAuthentication none(String clientId) {
        Objects.requireNonNull(clientId, "clientId");
        return new ClientAuthentication("none, " + clientId, (headers, fields) -> fields.put("client_id", clientId));
    }

    /** Adds the credentials to the request or to its headers. */
    TokenRequest apply(HttpHeaders headers, TokenRequest request) {
        Map<String, String> fields = new LinkedHashMap<>(request.fields());
        method.accept(headers, fields);
        return request.withFields(fields);
    }

    /** Names the method and the client id, never the secret. */
    @Override
    public String toString() {
        return "ClientAuthentication[" + description + "]";
    }
}
