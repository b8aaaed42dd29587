package io.tokenswap.http;

import io.tokenswap.OAuthErrorException;
import io.tokenswap.RequestRejectedException;
import io.tokenswap.Token;
import io.tokenswap.TokenSwapException;
import io.tokenswap.TokenUnavailableException;
import java.util.function.Supplier;

/** Names the outcome of a request in one word, for tables. */
final class Outcomes {

    private Outcomes() {}

    static String of(Supplier<Token> request) {
        try {
            request.get();
            return "TOKEN";
        } catch (TokenSwapException failure) {
            return of(failure);
        }
    }

    static String of(Throwable failure) {
        if (failure instanceof OAuthErrorException error) {
            return error.requiresLogin() ? "LOGIN" : "CONFIG " + error.error();
        }
        if (failure instanceof RequestRejectedException) {
            return "REJECTED";
        }
        return failure instanceof TokenUnavailableException unavailable
                ? unavailable.reason().name()
                : failure.toString();
    }
}
