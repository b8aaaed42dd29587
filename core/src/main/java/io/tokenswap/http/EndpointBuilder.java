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

/** The options of everything that sends token requests. */
abstract sealed class EndpointBuilder<B extends EndpointBuilder<B>>
        permits ExchangeServerEndpoint.Builder, ProviderEndpoint.Builder {

    private @Nullable HttpClient httpClient;
    private Duration timeout = Duration.ofSeconds(15);
    private InstantSource clock = InstantSource.system();
    private Consumer<HttpHeaders> headers = ignored -> {};
    private Scheduler timers = Timers.scheduler();
    private boolean insecureHttpAllowed;
    private boolean strict;

    EndpointBuilder() {}

    abstract B self();

    /**
     * Sends through a client of the caller's: its proxy, TLS, connection pool and metrics. Retry, redirects, compression,
     * wire logging and authentication by sending again are switched off on top of it.
     *
     * @param httpClient the client, by default one with a pool that all endpoints share
     * @return this builder
     */
    public B httpClient(HttpClient httpClient) {
        this.httpClient = Objects.requireNonNull(httpClient, "httpClient");
        return self();
    }

    /**
     * Sets how long a whole exchange may take, from looking up the name to the last byte of the answer. Connecting alone never
     * takes more than 5 s.
     *
     * @param timeout more than zero, 15 s by default
     * @return this builder
     */
    public B timeout(Duration timeout) {
        if (timeout.isNegative() || timeout.isZero()) {
            throw new IllegalArgumentException("A timeout is more than zero, not " + timeout);
        }
        this.timeout = timeout;
        return self();
    }

    /**
     * Replaces the clock, which says when a token was issued and until when {@code Retry-After} lasts.
     *
     * @param clock the time, the system's by default
     * @return this builder
     */
    public B clock(InstantSource clock) {
        this.clock = Objects.requireNonNull(clock, "clock");
        return self();
    }

    /**
     * Adds a header to every request, an API key for one: {@code header("X-Api-Key", key)}. A key in the query of a URI works
     * too, but there the debug log of Reactor Netty shows it.
     *
     * @param name the name
     * @param value the value, none by default
     * @return this builder
     * @throws IllegalArgumentException if no header may look like that
     */
    public B header(CharSequence name, String value) {
        new DefaultHttpHeaders().set(name, value);
        return headers(all -> all.set(name, value));
    }

    /**
     * Customises the headers of every request, for a key that changes. Runs once a request, on the thread that subscribes; it
     * must not block, and what it throws is what the caller gets.
     *
     * @param headers changes the headers that it is given, not at all by default; called after those that were added before
     * @return this builder
     */
    public B headers(Consumer<? super HttpHeaders> headers) {
        this.headers = this.headers.andThen(Objects.requireNonNull(headers, "headers"));
        return self();
    }

    /**
     * Gives up the protection of every token: allows plain http to hosts other than loopback. Anybody on the way can then
     * read and keep the codes, the refresh tokens and the client secret, and can answer in the server's place. Meant for a
     * private network of containers, where something else encrypts; refused by default when the endpoint is built.
     *
     * @return this builder
     */
    public B allowInsecureHttp() {
        this.insecureHttpAllowed = true;
        return self();
    }

    /**
     * Takes a token only in the form that the RFC prescribes: in {@code application/json}, and with its {@code token_type}. Off
     * by default, because deployed exchange servers say {@code text/html} for the one and leave the other out. Errors are read
     * in any form all the same.
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

    Peer peer(String role, String name, URI uri, String hint) {
        return new Peer(role, check(name, uri), hint, strict);
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
