package io.tokenswap.http;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Table {@code responses.txt}: the outcome of each body under each status. */
final class ResponseTable {

    /**
     * A body and what comes of it.
     *
     * @param outcomes by status
     */
    record Row(String name, String body, Map<Integer, String> outcomes) {

        byte[] bytes() {
            return body.getBytes(StandardCharsets.UTF_8);
        }

        @Override
        public String toString() {
            return name;
        }
    }

    private ResponseTable() {}

    static List<Row> rows() {
        Map<String, List<Integer>> statuses = new LinkedHashMap<>();
        List<String> columns = new ArrayList<>();
        List<Row> rows = new ArrayList<>();
        for (String line : lines()) {
            if (line.startsWith("#") || line.isBlank()) {
                continue;
            }
            String[] cells =
                    Arrays.stream(line.split("\\|", -1)).map(String::strip).toArray(String[]::new);
            if (cells.length == 1) {
                String[] column = line.split(": ", 2);
                statuses.put(
                        column[0],
                        Arrays.stream(column[1].split(" "))
                                .map(Integer::valueOf)
                                .toList());
            } else if (columns.isEmpty()) {
                columns.addAll(Arrays.asList(cells).subList(1, cells.length - 1));
            } else {
                Map<Integer, String> outcomes = new LinkedHashMap<>();
                for (int i = 0; i < columns.size(); i++) {
                    String outcome = cells[i + 1];
                    statuses.get(columns.get(i)).forEach(status -> outcomes.put(status, outcome));
                }
                rows.add(new Row(cells[0], unescaped(cells[columns.size() + 1]), outcomes));
            }
        }
        return rows;
    }

    private static String unescaped(String body) {
        return body.replace("\\uFEFF", "\uFEFF").translateEscapes();
    }

    private static List<String> lines() {
        try (InputStream in = ResponseTable.class.getResourceAsStream("responses.txt")) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8).lines().toList();
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }
}
