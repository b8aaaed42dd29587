package io.tokenswap.samples.provider;

/** The only account. Its password is no secret: the sign-in page fills it in. */
final class DemoUser {

    static final String NAME = "demo";
    static final String PASSWORD = "demo";

    private DemoUser() {}
}
