package io.tokenswap.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.handler.codec.http.DefaultHttpHeaders;
import io.tokenswap.OAuthErrorException;
import io.tokenswap.RequestRejectedException;
import io.tokenswap.Token;
import io.tokenswap.TokenSwapException;
import io.tokenswap.TokenUnavailableException;
import io.tokenswap.testing.RawServer;
import java.net.URI;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Each of 30 bodies under each of 24 statuses has the one outcome that {@code responses.txt} declares. */
class ResponseMatrixTest extends WireFixture {

    private static final TokenServer PEER =
            new TokenServer("exchange server", URI.create("https://auth.example.com"), "");
    private static final TokenRequest SWAP = TokenRequest.swap(PEER, Encoding.JSON, Samples.CODE);
    private static final TokenRequest REFRESH = TokenRequest.refresh(PEER, Encoding.JSON, Samples.REFRESH_TOKEN);

    /** Number of pairs for each outcome. */
    private static final Map<String, Integer> TOTALS = new TreeMap<>();

    @AfterAll
    static void printTotals() {
        System.out.println("The response matrix: "
                + TOTALS.values().stream().mapToInt(Integer::intValue).sum() + " pairs of status and body, " + TOTALS);
    }

    static List<ResponseTable.Row> rows() {
        return ResponseTable.rows();
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("rows")
    @Tag("B01")
    @Tag("B04")
    @Tag("B05")
    @Tag("B06")
    @Tag("B07")
    @Tag("B39")
    @Tag("B40")
    @Tag("B41")
    @Tag("B42")
    @Tag("B43")
    @Tag("B44")
    @Tag("B48")
    @Tag("B49")
    @Tag("B50")
    @Tag("B52")
    void bodyHasTheDeclaredOutcomeUnderEachStatus(ResponseTable.Row row) {
        Map<Integer, String> refreshed = new LinkedHashMap<>();
        Map<Integer, String> swapped = new LinkedHashMap<>();
        row.outcomes().keySet().forEach(status -> {
            refreshed.put(status, outcome(REFRESH, status, row));
            swapped.put(status, outcome(SWAP, status, row));
        });

        assertThat(refreshed).isEqualTo(row.outcomes());
        refreshed.values().forEach(outcome -> TOTALS.merge(outcome, 1, Integer::sum));
        refreshed.replaceAll((status, outcome) -> outcome.equals("Transient") ? "Unknown" : outcome);
        assertThat(swapped).isEqualTo(refreshed);
    }

    @Test
    void tableHas24StatusesAnd30Bodies() {
        assertThat(rows())
                .hasSize(30)
                .allSatisfy(row -> assertThat(row.outcomes()).hasSize(24).doesNotContainValue(""));
        assertThat(rows()).extracting(ResponseTable.Row::body).doesNotHaveDuplicates();
    }

    /** Every body once, each under another status. */
    static Stream<Arguments> someOfAll() {
        List<ResponseTable.Row> rows = rows();
        return Stream.iterate(0, i -> i < rows.size(), i -> i + 1).map(i -> {
            List<Integer> statuses = List.copyOf(rows.get(i).outcomes().keySet());
            return Arguments.of(statuses.get(i % statuses.size()), rows.get(i));
        });
    }

    @ParameterizedTest(name = "{0} and {1}")
    @MethodSource("someOfAll")
    void outcomeIsTheSameOverTheWire(int status, ResponseTable.Row row) {
        byte[] body = row.bytes();
        RawServer server = started(RawServer.playing(connection -> {
            connection.request();
            connection
                    .write("HTTP/1.1 " + status + " Whatever\r\nContent-Length: " + body.length + "\r\n\r\n")
                    .write(body);
        }));

        assertThat(outcome(() -> endpoint(server.uri())
                        .build()
                        .refresh(Samples.REFRESH_TOKEN)
                        .block()))
                .isEqualTo(row.outcomes().get(status));
        assertThat(server.requests()).hasSize(1);
    }

    private static String outcome(TokenRequest request, int status, ResponseTable.Row row) {
        return outcome(() -> new TokenResponse(request, status, new DefaultHttpHeaders(), row.bytes())
                .token(Samples.NOW, Samples.NOW));
    }

    private static String outcome(Supplier<Token> request) {
        try {
            request.get();
            return "Token";
        } catch (TokenSwapException failure) {
            return outcome(failure);
        }
    }

    private static String outcome(TokenSwapException failure) {
        if (failure instanceof OAuthErrorException error && error.requiresLogin()) {
            return "InvalidGrant";
        }
        if (failure instanceof TokenUnavailableException unavailable) {
            return switch (unavailable.reason()) {
                case NOT_SENT -> "Transient";
                case THROTTLED -> "Throttled";
                case RESPONSE_LOST -> "Unknown";
                case INVALID_RESPONSE -> "Protocol";
                case REJECTED -> "Refused";
                case STORE_FAILED -> "StoreFailed";
            };
        }
        return failure instanceof OAuthErrorException || failure instanceof RequestRejectedException
                ? "Config"
                : failure.toString();
    }
}
