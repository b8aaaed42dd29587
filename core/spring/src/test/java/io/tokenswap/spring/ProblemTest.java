package io.tokenswap.spring;

import static org.assertj.core.api.Assertions.assertThat;

import io.tokenswap.AuthorizationFailedException;
import io.tokenswap.LoginRequiredException;
import io.tokenswap.OAuthErrorException;
import io.tokenswap.RequestRejectedException;
import io.tokenswap.TokenRejectedException;
import io.tokenswap.TokenSwapException;
import io.tokenswap.TokenUnavailableException;
import io.tokenswap.TokenUnavailableException.Reason;
import java.time.Instant;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class ProblemTest {

    static Stream<Arguments> errors() {
        return Stream.of(
                Arguments.of(new AuthorizationFailedException("m", "access_denied", null), 403),
                Arguments.of(new AuthorizationFailedException("m", "server_error", null), 400),
                Arguments.of(new OAuthErrorException("invalid_grant", null, 400), 401),
                Arguments.of(new OAuthErrorException("invalid_client", null, 401), 502),
                Arguments.of(new RequestRejectedException("m", 404), 502),
                Arguments.of(new TokenRejectedException(), 502),
                Arguments.of(new LoginRequiredException("m", null), 401),
                Arguments.of(new TokenUnavailableException("m", Reason.NOT_SENT, null, null), 503),
                Arguments.of(new TokenUnavailableException("m", Reason.THROTTLED, null, null), 503),
                Arguments.of(new TokenUnavailableException("m", Reason.STORE_FAILED, null, null), 503),
                Arguments.of(new TokenUnavailableException("m", Reason.RESPONSE_LOST, null, null), 503));
    }

    @ParameterizedTest
    @MethodSource("errors")
    void eachErrorHasTheStatusOfItsRemedy(TokenSwapException error, int status) {
        Problem problem = Problem.of(error);
        assertThat(problem.status().value()).isEqualTo(status);
        assertThat(problem.text()).isEqualTo(error.getMessage());
        assertThat(Problem.retryAfter(error) != null).isEqualTo(status == 503);
    }

    @Test
    void theWaitIsWholeSecondsAndNeverZero() {
        TokenUnavailableException past = new TokenUnavailableException(
                "m", Reason.THROTTLED, Instant.now().minusSeconds(9), null);
        TokenUnavailableException future = new TokenUnavailableException(
                "m", Reason.THROTTLED, Instant.now().plusSeconds(3600), null);
        assertThat(Problem.retryAfter(past)).isEqualTo("1");
        assertThat(Problem.retryAfter(future)).isEqualTo("3600");
    }
}
