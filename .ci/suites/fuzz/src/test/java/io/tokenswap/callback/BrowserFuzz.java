package io.tokenswap.callback;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import com.code_intelligence.jazzer.mutation.annotation.NotNull;
import io.tokenswap.testing.Effort;
import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.provider.MethodSource;
import reactor.core.publisher.Mono;

/** The opener gets any login URL as its one argument, and only if it is http or https. */
class BrowserFuzz {

    private static final Effort EFFORT = new Effort();

    @TempDir
    private static Path directory;

    private static Path arguments;
    private static SystemBrowser browser;

    @BeforeAll
    static void writeOpener() throws IOException {
        arguments = directory.resolve("arguments");
        Path opener = directory.resolve("opener");
        Files.writeString(opener, "#!/bin/sh\nprintf '%s\\n' \"$#\" \"$@\" > " + arguments + "\n");
        assertThat(opener.toFile().setExecutable(true)).isTrue();
        browser = new SystemBrowser(List.of(List.of(opener.toString())), Duration.ofSeconds(10));
    }

    static Stream<String> seeds() {
        return Stream.of(
                "https://auth.example.com/login?state=a&scope=b%20c",
                "https://h/?a='b';id;$(id)*!~()|",
                "http://h/-x?--help",
                "HTTPS://h/?a=\u00e4\u4e2d%0Aid",
                "-x",
                "file:///etc/passwd",
                "javascript:alert(1)");
    }

    @MethodSource("seeds")
    @FuzzTest
    void theUrlIsOneArgument(@NotNull String text) throws IOException {
        URI uri;
        try {
            uri = new URI(text);
        } catch (URISyntaxException noUri) {
            return;
        }
        boolean http = text.matches("(?is)https?:.*");
        Files.deleteIfExists(arguments);

        Throwable failure = EFFORT.of(() -> failure(uri));
        if (http) {
            assertThat(failure).isNull();
            assertThat(Files.readString(arguments, StandardCharsets.US_ASCII))
                    .isEqualTo("1\n" + uri.toASCIIString() + "\n");
        } else {
            assertThat(failure).isInstanceOf(BrowserUnavailableException.class);
            assertThat(arguments).doesNotExist();
        }
    }

    private static Throwable failure(URI uri) {
        return browser.open(uri)
                .then(Mono.<Throwable>empty())
                .onErrorResume(Mono::just)
                .block();
    }

    @AfterAll
    static void report() {
        System.out.println("URLs: " + EFFORT);
    }
}
