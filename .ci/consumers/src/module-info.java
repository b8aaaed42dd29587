/** An application on the module path. */
module consumer {
    requires io.tokenswap.callback;
    requires java.net.http;
}
