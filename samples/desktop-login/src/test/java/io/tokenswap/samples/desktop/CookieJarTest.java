package io.tokenswap.samples.desktop;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CookieJarTest {

    private final CookieJar jar = new CookieJar();

    @ParameterizedTest
    @CsvSource(delimiter = '|', nullValues = "-", textBlock = """
            # set by            | cookie                    | asked by                  | sent
            http://a.test/x/y   | n=1                       | http://a.test/x/z         | n=1
            http://a.test/x/y   | n=1                       | http://a.test/other       | -
            http://a.test/x/y   | n=1                       | http://a.test/xy          | -
            http://a.test/x     | n=1                       | http://a.test             | n=1
            http://a.test/x     | n=1; Path=/; Max-Age=60   | http://a.test:81/other    | n=1
            http://a.test/x     | n=1; Path=/               | http://b.test/            | -
            http://a.test/x     | n=1; Path=/               | http://sub.a.test/        | -
            http://a.test/x     | n=1; Path=/; Domain=a.test| http://sub.A.test/        | n=1
            http://a.test/x     | n=1; Path=/; Domain=b.test| http://b.test/            | -
            http://a.test/x     | n=1; Path=/; Secure       | http://a.test/            | -
            https://a.test/x    | n=1; Path=/; Secure       | https://a.test/           | n=1
            http://127.0.0.1/x  | n=1; Path=/; Secure       | http://127.0.0.1:81/      | n=1
            http://localhost/x  | n=1; Path=/; Secure       | http://localhost/         | n=1
            http://[::1]/x      | n=1; Path=/; Secure       | http://[::1]/             | n=1
            http://a.test/x     | n=1; Path=/; Max-Age=0    | http://a.test/            | -
            http://a.test/x     | =                         | http://a.test/            | -
            """)
    void sendsACookieWhereABrowserWould(URI from, String cookie, URI to, String sent) {
        jar.keep(from, List.of(cookie));
        assertThat(jar.header(to)).isEqualTo(sent == null ? "" : sent);
    }

    @Test
    void theLastWordOnACookieHolds() {
        URI page = URI.create("http://a.test/");
        jar.keep(page, List.of("n=1", "m=1"));
        jar.keep(page, List.of("n=2", "m=; Max-Age=0"));
        assertThat(jar.header(page)).isEqualTo("n=2");
    }
}
