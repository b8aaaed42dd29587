package io.tokenswap.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.tokenswap.TokenUnavailableException;
import io.tokenswap.TokenUnavailableException.Reason;
import io.tokenswap.testing.RawServer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryMXBean;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import reactor.netty.http.client.HttpClient;

/** A response is read up to its limit, however much a server sends, and nothing of it stays in memory. */
class BoundedResponseTest extends WireFixture {

    private static final int MIB = 1024 * 1024;

    private static final MemoryMXBean MEMORY = ManagementFactory.getMemoryMXBean();

    private final AtomicLong written = new AtomicLong();

    @ParameterizedTest(name = "of {0} at most 64 KiB are read, and nothing stays")
    @CsvSource(delimiter = '|', textBlock = """
            a gigabyte      | Content-Length: 1073741824
            endless chunks  | Transfer-Encoding: chunked
            a bomb of gzip  | Content-Encoding: gzip
            """)
    @Tag("B31")
    void nothingOfAHugeResponseStays(String what, String header) throws IOException {
        byte[] block = block(header);
        RawServer server = started(RawServer.playing(connection -> {
            connection.request();
            connection.write("HTTP/1.1 200 OK\r\n" + header + "\r\n\r\n");
            while (true) {
                connection.write(block);
                written.addAndGet(block.length);
            }
        }));
        ExchangeServerEndpoint endpoint = ExchangeServerEndpoint.builder(server.uri())
                .httpClient(HttpClient.newConnection())
                .build();
        List<TokenUnavailableException> failures = new ArrayList<>();
        failures.add(unavailable(endpoint.swap(Samples.CODE)));

        long before = used();
        for (int i = 0; i < 10; i++) {
            failures.add(unavailable(endpoint.swap(Samples.CODE)));
        }

        assertThat(used() - before).isLessThan(MIB);
        assertThat(failures).allMatch(failure -> failure.reason() == Reason.INVALID_RESPONSE);
        // What the buffers of the sockets hold was sent and never read.
        assertThat(written.get()).isLessThan(11L * 16 * MIB);
    }

    private static byte[] block(String header) throws IOException {
        ByteArrayOutputStream block = new ByteArrayOutputStream();
        if (header.contains("gzip")) {
            try (GZIPOutputStream packed = new GZIPOutputStream(block)) {
                packed.write(new byte[64 * MIB]);
            }
        } else if (header.contains("chunked")) {
            block.writeBytes(("2000\r\n" + " ".repeat(0x2000) + "\r\n").getBytes(StandardCharsets.US_ASCII));
        } else {
            block.writeBytes(new byte[0x2000]);
        }
        return block.toByteArray();
    }

    /** Returns the heap in use after garbage collection. */
    private static long used() {
        long used = Long.MAX_VALUE;
        for (int i = 0; i < 3; i++) {
            MEMORY.gc();
            used = Math.min(used, MEMORY.getHeapMemoryUsage().getUsed());
        }
        return used;
    }

    @ParameterizedTest(name = "{0} times {1} before a response yield {2}")
    @CsvSource(delimiter = '|', textBlock = """
            1     | 100 Continue    | TOKEN
            1     | 103 Early Hints | TOKEN
            8     | 103 Early Hints | TOKEN
            9     | 103 Early Hints | INVALID_RESPONSE
            5000  | 100 Continue    | INVALID_RESPONSE
            5000  | 103 Early Hints | INVALID_RESPONSE
            5000  | 102 Processing  | INVALID_RESPONSE
            """)
    @Tag("B51")
    @Tag("E37")
    void interimResponsesAreSkippedUpToEight(int times, String status, String outcome) {
        RawServer server = started(RawServer.playing(connection -> {
            connection.request();
            connection.write(("HTTP/1.1 " + status + "\r\n\r\n").repeat(times));
            connection.write(ok(Samples.TOKEN_RESPONSE));
            connection.awaitClose();
        }));

        assertThat(Outcomes.of(
                        () -> endpoint(server.uri()).build().swap(Samples.CODE).block()))
                .isEqualTo(outcome);
        assertThat(server.requests()).hasSize(1);
    }
}
