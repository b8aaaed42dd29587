/** The receiver of the redirect on loopback, the browser, and the whole login. */
module io.tokenswap.callback {
    requires transitive io.tokenswap.core;
    requires io.netty.buffer;
    requires io.netty.codec;
    requires io.netty.common;
    requires io.netty.handler;
    requires io.netty.transport;
    requires static java.desktop;
    requires static org.jspecify;

    exports io.tokenswap.callback;
}
