package io.tokenswap.samples.desktop;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.InputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A run of the program in this process, and what it left behind. */
record Run(int exitCode, String out, String err) {

    private static final JsonMapper JSON = new JsonMapper();

    /** Runs it with options, separated by spaces. */
    static Run of(String options) {
        return of(Map.of(), options, line -> {});
    }

    /** @param watcher gets each line when it is printed, on the thread that prints it */
    static Run of(Map<String, String> environment, String options, Consumer<String> watcher) {
        return of(environment, InputStream.nullInputStream(), options, watcher);
    }

    /** @param in what the person types */
    static Run of(Map<String, String> environment, InputStream in, String options, Consumer<String> watcher) {
        StringWriter out = new Lines(watcher);
        StringWriter err = new StringWriter();
        int exitCode = DesktopLogin.commandLine(environment, in)
                .setOut(new PrintWriter(out, true))
                .setErr(new PrintWriter(err, true))
                .execute(options.strip().split("\\s+"));
        return new Run(exitCode, out.toString(), err.toString());
    }

    List<JsonNode> events() {
        return out.lines().map(JSON::readTree).toList();
    }

    List<String> eventNames() {
        return events().stream().map(event -> event.get("event").asString()).toList();
    }

    Run succeeds() {
        assertThat(exitCode).as(toString()).isZero();
        assertThat(err).isEmpty();
        return this;
    }

    /** One line, no stack trace. */
    Run failsWith(int code) {
        assertThat(exitCode).as(toString()).isEqualTo(code);
        assertThat(err.lines()).hasSize(1);
        assertThat(err).doesNotContain("Exception", "\tat ");
        return this;
    }

    private static final class Lines extends StringWriter {

        private final Consumer<String> watcher;

        Lines(Consumer<String> watcher) {
            this.watcher = watcher;
        }

        @Override
        public void write(String text, int offset, int length) {
            super.write(text, offset, length);
            String line = text.substring(offset, offset + length).strip();
            if (!line.isEmpty()) {
                watcher.accept(line);
            }
        }
    }
}
