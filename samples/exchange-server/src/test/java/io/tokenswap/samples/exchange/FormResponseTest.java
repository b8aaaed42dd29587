package io.tokenswap.samples.exchange;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Provider that responds in the encoding of the request. */
@Tag("E74")
class FormResponseTest {

    @Test
    void aRotatedRefreshTokenInAFormIsHandedOn() {
        try (Exchange exchange = new Exchange()) {
            exchange.provider.respondsWith(
                    200,
                    "application/x-www-form-urlencoded",
                    "access_token=at-2&token_type=bearer&expires_in=60&refresh_token=rt-2",
                    Map.of());

            assertThat(exchange.refresh("rt-1").body())
                    .isEqualTo(
                            "{\"access_token\":\"at-2\",\"token_type\":\"bearer\",\"expires_in\":60,\"refresh_token\":\"rt-2\"}");
        }
    }
}
