package io.tokenswap.samples.exchange.limit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.InetAddress;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@Tag("C55")
class TrustedProxiesTest {

    @ParameterizedTest(name = "{0} with X-Forwarded-For {1} is {2}")
    @CsvSource(
            delimiter = '|',
            value = {
                "10.1.2.3|203.0.113.1|203.0.113.1",
                "10.1.2.3|198.51.100.1, 203.0.113.1|203.0.113.1",
                "10.1.2.3|203.0.113.1, 10.9.9.9|203.0.113.1",
                "10.1.2.3|10.0.0.1|10.0.0.1",
                "10.1.2.3|''|10.1.2.3",
                "10.1.2.3|unknown|10.1.2.3",
                "10.1.2.3|evil.example|10.1.2.3",
                "10.1.2.3|203.0.113.1, evil|10.1.2.3",
                "11.1.2.3|203.0.113.1|11.1.2.3",
                "192.168.7.7|203.0.113.1|203.0.113.1",
                "192.168.7.8|203.0.113.1|192.168.7.8",
                "fd00::1|2001:db8::1|2001:db8::1",
                "fe80::1|2001:db8::1|fe80::1"
            })
    void client(String peer, String forwardedFor, String client) throws Exception {
        TrustedProxies proxies = TrustedProxies.parse("10.0.0.0/8, 192.168.7.7,fd00::/15");

        assertThat(proxies.client(InetAddress.getByName(peer), List.of(forwardedFor)))
                .isEqualTo(InetAddress.getByName(client));
    }

    @ParameterizedTest(name = "the list {0} is refused")
    @ValueSource(strings = {"", "proxy.example", "10.0.0.0/33", "10.0.0.0/x", "10.0.0.0/", "::/129", "10.0.0.1,,"})
    void malformed(String list) {
        assertThatThrownBy(() -> TrustedProxies.parse(list)).isInstanceOf(IllegalArgumentException.class);
    }
}
