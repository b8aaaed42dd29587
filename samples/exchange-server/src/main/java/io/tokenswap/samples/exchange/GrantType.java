package io.tokenswap.samples.exchange;

/** Grant type of a token request. */
enum GrantType {
    AUTHORIZATION_CODE("authorization_code"),
    REFRESH_TOKEN("refresh_token");

    final String value;

    GrantType(String value) {
        this.value = value;
    }
}
