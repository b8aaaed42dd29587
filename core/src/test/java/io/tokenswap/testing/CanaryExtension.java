package io.tokenswap.testing;

import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;

/**
 * Fails the test by whose end the {@link Canary} has seen a secret in what was logged or printed, and the whole run if one comes
 * to light after the last test. Registered for all tests by {@code META-INF/services}.
 */
public final class CanaryExtension implements BeforeAllCallback, AfterEachCallback {

    @Override
    public void beforeAll(ExtensionContext context) {
        context.getRoot().getStore(Namespace.create(CanaryExtension.class)).getOrComputeIfAbsent(Watch.class);
    }

    @Override
    public void afterEach(ExtensionContext context) {
        check();
    }

    private static void check() {
        List<String> hits = Canary.takeHits(hit -> true);
        if (!hits.isEmpty()) {
            throw new AssertionError("A secret was logged or printed:\n" + String.join("\n", hits));
        }
    }

    /** Lasts from the first test to the last. */
    static final class Watch implements AutoCloseable {

        private final PrintStream out = System.out;
        private final PrintStream err = System.err;

        Watch() {
            System.setOut(inspected("System.out", out));
            System.setErr(inspected("System.err", err));
        }

        private static PrintStream inspected(String name, PrintStream stream) {
            OutputStream inspected = new FilterOutputStream(stream) {
                @Override
                public void write(byte[] bytes, int offset, int length) throws IOException {
                    Canary.inspect(name, new String(bytes, offset, length, StandardCharsets.UTF_8));
                    out.write(bytes, offset, length);
                }
            };
            return new PrintStream(inspected, true, StandardCharsets.UTF_8);
        }

        @Override
        public void close() {
            System.setOut(out);
            System.setErr(err);
            check();
        }
    }
}
