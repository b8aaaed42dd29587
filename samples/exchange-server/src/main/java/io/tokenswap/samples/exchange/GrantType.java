package io.tokenswap.samples.exchange;

/** What a call asks for. */
enum GrantType {
    AUTHORIZATION_CODE("authorization_code"),
    REFRESH_TOKEN("refresh_token");

    final String value;

    GrantType(String value) {
        this.value = value;
    }
}
