package io.tokenswap.callback;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import com.code_intelligence.jazzer.mutation.annotation.NotNull;
import io.tokenswap.callback.CallbackPage.Outcome;
import io.tokenswap.testing.Effort;
import java.time.Duration;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Texts of the application in the page: they stay text, whatever markup they look like. */
class PageFuzz {

    private static final Effort EFFORT = new Effort(Duration.ofMillis(100));

    static Stream<Arguments> seeds() {
        return Stream.of(
                Arguments.of("en", "Night Radio", "You are on air", "Go back.\nThe music has started."),
                Arguments.of("\" onload=\"alert(1)", "<script>alert(1)</script>", "</title><script>", "%s %1$s & ' \\"),
                Arguments.of("en", "a", "b", "<\r\n>\n".repeat(500)));
    }

    @MethodSource("seeds")
    @FuzzTest
    void everyTextStaysText(
            @NotNull String language, @NotNull String application, @NotNull String headline, @NotNull String message) {
        String page = EFFORT.of(() -> page(language, application, headline, message));
        String harmless = page("en", "a", "a", message.lines().map(line -> "a").reduce("", (a, b) -> a + b + "\n"));

        assertThat(markup(page)).isEqualTo(markup(harmless));
        assertThat(page.replaceAll("&(amp|lt|gt|quot|#39);", "")
                        .chars()
                        .filter(c -> c == '&')
                        .count())
                .isZero();
    }

    private static String page(String language, String application, String headline, String message) {
        return CallbackPage.create()
                .language(language)
                .application(application)
                .text(Outcome.SIGNED_IN, headline, message)
                .response(Outcome.SIGNED_IN)
                .body();
    }

    /** The characters that make markup, in order; the script has some of them too, the same in each page. */
    private static String markup(String page) {
        return page.replaceAll("[^<>\"']", "");
    }

    @AfterAll
    static void report() {
        System.out.println("Pages: " + EFFORT);
    }
}
