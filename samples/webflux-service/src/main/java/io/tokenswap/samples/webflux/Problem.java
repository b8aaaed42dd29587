package io.tokenswap.samples.webflux;

import io.tokenswap.AuthorizationFailedException;
import io.tokenswap.LoginRequiredException;
import io.tokenswap.OAuthErrorException;
import io.tokenswap.SessionClosedException;
import io.tokenswap.TokenSwapException;
import io.tokenswap.TokenUnavailableException;
import org.springframework.http.HttpStatus;
import org.springframework.web.reactive.function.client.WebClientRequestException;
import org.springframework.web.reactive.function.client.WebClientResponseException;

/** Failure in words for people, with its remedy. The messages of the library hold no secret. */
record Problem(HttpStatus status, String title, String text) {

    static Problem of(TokenSwapException error) {
        return new Problem(status(error), title(error), String.valueOf(error.getMessage()));
    }

    /** Returns the problem of a failed call to the provider's API. */
    static Problem ofApi(Throwable error) {
        String what = error instanceof WebClientRequestException
                ? "It cannot be reached. Is it running, and is provider.me-url right?"
                : error instanceof WebClientResponseException response
                                && response.getStatusCode().isError()
                        ? "It responded with status " + response.getStatusCode().value() + ". Is provider.me-url right?"
                        : "Its response is not JSON. Is provider.me-url right?";
        return new Problem(HttpStatus.BAD_GATEWAY, "The provider's API sent no useful response", what);
    }

    private static HttpStatus status(TokenSwapException error) {
        if (error instanceof AuthorizationFailedException failed) {
            return failed.denied() ? HttpStatus.FORBIDDEN : HttpStatus.BAD_REQUEST;
        }
        if (error instanceof LoginRequiredException || error instanceof SessionClosedException) {
            return HttpStatus.UNAUTHORIZED;
        }
        if (error instanceof OAuthErrorException refused && refused.requiresLogin()) {
            return HttpStatus.UNAUTHORIZED;
        }
        if (error instanceof TokenUnavailableException unavailable) {
            return switch (unavailable.reason()) {
                case NOT_SENT, THROTTLED -> HttpStatus.SERVICE_UNAVAILABLE;
                case RESPONSE_LOST, INVALID_RESPONSE, REJECTED, STORE_FAILED -> HttpStatus.BAD_GATEWAY;
            };
        }
        return HttpStatus.BAD_GATEWAY;
    }

    private static String title(TokenSwapException error) {
        if (error instanceof AuthorizationFailedException failed) {
            return failed.denied() ? "You said no" : "The sign-in failed";
        }
        if (error instanceof LoginRequiredException || error instanceof SessionClosedException) {
            return "The sign-in has ended";
        }
        return "No token can be had now";
    }
}
