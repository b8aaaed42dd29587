package io.tokenswap.http;

import io.netty.handler.codec.http.DefaultHttpHeaders;
import io.netty.handler.codec.http.HttpHeaders;
import io.tokenswap.internal.Timers;
import java.net.URI;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import reactor.core.scheduler.Scheduler;
import reactor.netty.http.client.HttpClient;

/** Options that all endpoints share. */
abstract sealed class EndpointBuilder<B extends EndpointBuilder<B>>
        permits ExchangeServerEndpoint.Builder, ProviderEndpoint.Builder {

    private @Nullable HttpClient httpClient;
    /** Some programs set the longest duration to switch a timeout off. A century does, and no sum of it overflows. */
    private static final Duration CENTURY = Duration.ofDays(36_500);

    private Duration timeout = Duration.ofSeconds(15);
    private InstantSource clock = InstantSource.system();
    private Consumer<HttpHeaders> headers = ignored -> {};
    private Scheduler timers = Timers.scheduler();
    private boolean insecureHttpAllowed;
    private boolean strict;

    EndpointBuilder() {}

    abstract B self();

    /**
     * Sets the client that sends the requests, with its proxy, TLS, connection pool and metrics. The endpoint switches
     * off the client's retry, redirects, compression, wire logging and repeated requests for authentication.
     *
     * @param httpClient the client, by default one with a pool that all endpoints share
     * @return this builder
     */
    public B httpClient(HttpClient httpClient) {
        this.httpClient = Objects.requireNonNull(httpClient, "httpClient");
        return self();
    }

    /**
     * Sets the deadline of one request, from resolving the name to the last byte of the response. Connecting alone
     * takes at most 5 seconds.
     *
     * @param timeout more than zero, 15 seconds by default
     * @return this builder
     */
    public B timeout(Duration timeout) {
        if (timeout.isNegative() || timeout.isZero()) {
            throw new IllegalArgumentException("A timeout is more than zero, not " + timeout);
        }
        this.timeout = timeout.compareTo(CENTURY) < 0 ? timeout : CENTURY;
        return self();
    }

    /**
     * Replaces the clock, which supplies the time of issue of a token and the start of a {@code Retry-After}.
     *
     * @param clock the time, the system's by default
     * @return this builder
     */
    public B clock(InstantSource clock) {
        this.clock = Objects.requireNonNull(clock, "clock");
        return self();
    }

    /**
     * Adds a header to every request, for example an API key: {@code header("X-Api-Key", key)}. Do not put a key into
     * the query of a URI: the debug log of Reactor Netty shows it.
     *
     * @param name the name
     * @param value the value, none by default
     * @return this builder
     * @throws IllegalArgumentException if the name or the value cannot stand in a header
     */
    public B header(CharSequence name, String value) {
        new DefaultHttpHeaders().set(name, value);
        return headers(all -> all.set(name, value));
    }

    /**
     * Customizes the headers of every request, for example with a key that changes. The function runs once for each
     * request on the thread that subscribes, and must not block. The caller of the endpoint receives what the function
     * throws.
     *
     * @param headers changes the headers, not at all by default; called after the functions that were added before
     * @return this builder
     */
    public B headers(Consumer<? super HttpHeaders> headers) {
        this.headers = this.headers.andThen(Objects.requireNonNull(headers, "headers"));
        return self();
    }

    /**
     * Allows plain http to hosts other than loopback, which the builder rejects by default.
     *
     * <p>Dangerous: every token loses its protection. A program on the network path can read the codes, the refresh
     * tokens and the client secret, and can respond in place of the server. Use this only in a private network of
     * containers that is encrypted by other means.
     *
     * @return this builder
     */
    public B allowInsecureHttp() {
        this.insecureHttpAllowed = true;
        return self();
    }

    /**
     * Accepts a token only in the form that the RFC prescribes: as {@code application/json} and with
     * {@code token_type}. Off by default, because some deployed exchange servers send {@code text/html} and omit the
     * type. Errors are still read in any form.
     *
     * @return this builder
     * @see <a href="https://www.rfc-editor.org/rfc/rfc6749#section-5.1">RFC 6749 section 5.1</a>
     */
    public B strictResponses() {
        this.strict = true;
        return self();
    }

    /** Replaces the timers of the timeouts, for tests. */
    B timers(Scheduler timers) {
        this.timers = timers;
        return self();
    }

    TokenServer server(String role, String name, URI uri, String hint) {
        return new TokenServer(role, check(name, uri), hint, strict);
    }

    URI check(String name, URI uri) {
        return EndpointUri.check(name, uri, insecureHttpAllowed);
    }

    Duration timeout() {
        return timeout;
    }

    TokenClient client() {
        return new TokenClient(httpClient, new RequestTimeouts(timeout, timers), clock, headers);
    }
}
