package io.tokenswap.samples.quickstart;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/** The programs and the commands of the project's README. */
class ReadmeTest {

    private static final Pattern CURL = Pattern.compile("(?m)^    (curl .*)$");

    private static String readme() throws IOException {
        return Files.readString(Path.of("..", "..", "README.md"));
    }

    @Test
    void beginsWithTheDesktopProgramOfThisModule() throws IOException {
        String readme = readme();
        int start = readme.indexOf("```java\n") + "```java\n".length();
        String first = readme.substring(start, readme.indexOf("```", start));
        String program = Files.readString(
                Path.of("src/main/java", Desktop.class.getName().replace('.', '/') + ".java"));

        assertThat(withoutSpaces(first))
                .isEqualTo(
                        withoutSpaces(program.replaceFirst("package .*;", "").replaceFirst("(?s)/\\*\\*.*?\\*/", "")));
    }

    private static String withoutSpaces(String code) {
        return code.replaceAll("\\s+", "");
    }

    @Test
    void isReadInAFewMinutes() throws IOException {
        assertThat(readme().lines()).hasSizeLessThanOrEqualTo(150);
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void theCallsOfTheExchangeServerSwapAndRefreshAsTheyStandThere() throws Exception {
        List<String> calls =
                CURL.matcher(readme()).results().map(match -> match.group(1)).toList();
        assertThat(calls).hasSize(2);
        try (LocalServers servers = LocalServers.start(Duration.ofHours(1), "http://localhost:4002/auth")) {
            String swapped = run(calls.get(0), servers, "AQD...", code(servers));
            assertThat(swapped).contains("\"access_token\":", "\"token_type\":\"Bearer\"", "\"expires_in\":");

            String refreshed = run(calls.get(1), servers, "AQA...", member(swapped, "refresh_token"));
            assertThat(member(refreshed, "access_token")).isNotEqualTo(member(swapped, "access_token"));
        }
    }

    /** Signs in, and returns the code that the browser brings to the application. */
    private static String code(LocalServers servers) throws IOException, InterruptedException {
        PlainVisitor browser = new PlainVisitor();
        URI next =
                servers.exchangeUri().resolve("/authorize?response_type=code&state=0a1b2c3d&scope=user-read-private");
        while (!next.getAuthority().equals("localhost:4002")) {
            next = next.resolve(
                    browser.send("GET", next).headers().firstValue("Location").orElseThrow());
        }
        Matcher code = Pattern.compile("(?:^|&)code=([^&]+)").matcher(next.getRawQuery());
        assertThat(code.find()).as(next.getRawQuery()).isTrue();
        return code.group(1);
    }

    private static String run(String call, LocalServers servers, String placeholder, String secret)
            throws IOException, InterruptedException {
        assertThat(call).contains("https://auth.example.com/", placeholder);
        String command = call.replace(
                        "https://auth.example.com", servers.exchangeUri().toString())
                .replace(placeholder, secret);
        Process curl = new ProcessBuilder("sh", "-c", command)
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        try {
            String output = new String(curl.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertThat(curl.waitFor()).as(output).isZero();
            return output;
        } finally {
            curl.destroyForcibly();
        }
    }

    private static String member(String json, String name) {
        Matcher member = Pattern.compile("\"" + name + "\":\"([^\"]+)\"").matcher(json);
        assertThat(member.find()).as(json).isTrue();
        return member.group(1);
    }
}
