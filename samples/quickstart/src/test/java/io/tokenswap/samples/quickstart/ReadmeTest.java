package io.tokenswap.samples.quickstart;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class ReadmeTest {

    @Test
    void beginsWithTheDesktopProgramOfThisModule() throws IOException {
        String readme = Files.readString(Path.of("..", "..", "README.md"));
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
}
