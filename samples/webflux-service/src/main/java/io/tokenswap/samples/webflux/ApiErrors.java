package io.tokenswap.samples.webflux;

import org.springframework.core.codec.CodecException;
import org.springframework.http.HttpStatus;
import org.springframework.http.ProblemDetail;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.RestControllerAdvice;
import org.springframework.web.reactive.function.client.WebClientException;
import org.springframework.web.reactive.function.client.WebClientRequestException;
import org.springframework.web.reactive.function.client.WebClientResponseException;

/** Responses for failures of the provider's API. Those of sign-ins and tokens come from the starter. */
@RestControllerAdvice
final class ApiErrors {

    @ExceptionHandler({WebClientException.class, CodecException.class})
    ProblemDetail apiFailed(Exception error) {
        String what = error instanceof WebClientRequestException
                ? "It cannot be reached. Is it running, and is the setting api right?"
                : error instanceof WebClientResponseException response
                        ? "It responded with status " + response.getStatusCode().value() + ". Is the setting api right?"
                        : "It responded with something that is not JSON. Is the setting api right?";
        ProblemDetail problem = ProblemDetail.forStatusAndDetail(HttpStatus.BAD_GATEWAY, what);
        problem.setTitle("The provider's API did not respond as expected");
        return problem;
    }
}
