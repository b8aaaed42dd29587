/**
 * OAuth 2.0 token swap for Project Reactor: the endpoints, the session that keeps a token fresh, and the stores.
 *
 * <p>Reactor, Reactor Netty and Reactive Streams are automatic modules. {@code io.tokenswap.internal} is for our own
 * modules only.
 */
module io.tokenswap.core {
    requires transitive reactor.core;
    requires transitive reactor.netty.core;
    requires transitive reactor.netty.http;
    requires transitive org.reactivestreams;
    requires transitive io.netty.codec.http;
    requires io.netty.buffer;
    requires io.netty.codec;
    requires io.netty.common;
    requires io.netty.handler;
    requires io.netty.handler.proxy;
    requires io.netty.transport;
    requires tools.jackson.core;

    // What Reactor Netty needs and, as an automatic module, cannot ask for.
    requires io.netty.codec.classes.quic;
    requires io.netty.codec.compression;
    requires io.netty.codec.dns;
    requires io.netty.codec.http2;
    requires io.netty.codec.socks;
    requires io.netty.resolver;
    requires io.netty.resolver.dns;
    requires io.netty.transport.unix.common;

    requires static org.jspecify;
    requires static micrometer.core;
    requires static micrometer.observation;

    exports io.tokenswap;
    exports io.tokenswap.http;
    exports io.tokenswap.micrometer;
    exports io.tokenswap.session;
    exports io.tokenswap.store;
    exports io.tokenswap.internal to
            io.tokenswap.callback,
            io.tokenswap.redis,
            io.tokenswap.r2dbc,
            io.tokenswap.spring,
            io.tokenswap.testing;
}
