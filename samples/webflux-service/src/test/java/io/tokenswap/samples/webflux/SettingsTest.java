package io.tokenswap.samples.webflux;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SettingsTest {

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                    --exchange.url=http://exchange.example.com | exchange.url cannot be used. The base URI is plain http
                    --exchange.url=                            | exchange.url is missing
                    --exchange.dialect=klingon                 | klingon
                    --exchange.dialect=                        | exchange.dialect is missing
                    --provider.me-url=/v1/me                   | provider.me-url must be an absolute URL
                    --provider.me-url=                         | provider.me-url is missing
                    --service.public-url=http://example.com    | service.public-url must start with https://
                    --service.public-url=https://example.com/a | service.public-url must end after host and port
                    --service.max-sessions=0                   | service.max-sessions must be at least 1
                    --service.heartbeat=0s                     | service.heartbeat must be more than zero
                    """)
    void aWrongSettingEndsTheStartAndIsNamed(String setting, String complaint) {
        assertThatThrownBy(() -> World.run(setting)).rootCause().hasMessageContaining(complaint);
    }
}
