package io.tokenswap.callback;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.StringWriter;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Compiles every example of the README, of its pages and of the Javadoc as a reader would paste it. Examples that need Spring are
 * compiled by the tests of the starter.
 */
class DocumentationTest {

    private static final Path ROOT = Path.of("..");
    private static final Pattern PAGE_EXAMPLE = Pattern.compile("(?s)```java\n(.*?)```");
    private static final Pattern JAVADOC_EXAMPLE = Pattern.compile("(?s)<pre>\\{@code\n(?! *\\* \\{\")(.*?)\\}</pre>");

    private static final Pattern SPRING = Pattern.compile("@RestController|@Configuration|@Bean");

    /** Names that an example may use without declaring them. */
    private static final String FRAME = """
            import io.tokenswap.*;
            import io.tokenswap.callback.*;
            import io.tokenswap.http.*;
            import io.tokenswap.session.*;
            import io.tokenswap.store.*;
            import io.tokenswap.testing.*;
            import java.io.IOException;
            import java.net.URI;
            import java.nio.file.Path;
            import java.time.Duration;
            import reactor.core.publisher.*;
            import reactor.netty.http.client.HttpClient;
            import reactor.netty.http.server.HttpServer;
            import reactor.test.StepVerifier;

            class Example {
                /** As Spring has it. */
                interface ServerHttpRequest { URI getURI(); }
                interface Users {
                    Mono<String> findToken(String key);
                    Mono<Void> saveToken(String key, String text);
                    Mono<Void> removeToken(String key);
                }
                static TokenStore connect(String server) { return TokenStore.inMemory(); }
                interface Player { void reconnect(String accessToken); }
                ExchangeServerEndpoint exchange;
                TokenSession session;
                TokenStore store;
                AuthorizationCode code;
                URI redirectUri;
                String rawQuery;
                byte[] content;
                Player player;
                KeyRing keys;
                Users users;
                VirtualClock clock;

                void example() {
            %s
                }
            }
            """;

    record Example(Path file, String code) {

        @Override
        public String toString() {
            return file.getFileName() + ": "
                    + code.lines().findFirst().orElse("").strip();
        }
    }

    static Stream<Example> examples() throws IOException {
        List<Example> examples = new ArrayList<>();
        for (Path page : pages()) {
            examples(page, PAGE_EXAMPLE)
                    .filter(example -> !SPRING.matcher(example.code).find())
                    .forEach(examples::add);
        }
        for (String sources : List.of("core/src/main", "core/testkit/src/main", "netty-callback/src/main")) {
            try (Stream<Path> files = Files.walk(ROOT.resolve(sources))) {
                files.filter(file -> file.toString().endsWith(".java"))
                        .flatMap(file -> examples(file, JAVADOC_EXAMPLE))
                        .map(example -> new Example(example.file, example.code.replaceAll("(?m)^ *\\* ?", "")))
                        .forEach(examples::add);
            }
        }
        return examples.stream();
    }

    private static List<Path> pages() throws IOException {
        try (Stream<Path> pages = Files.list(ROOT.resolve(".github"))) {
            return Stream.concat(Stream.of(ROOT.resolve("README.md")), pages)
                    .filter(page -> page.toString().endsWith(".md"))
                    .sorted()
                    .toList();
        }
    }

    private static Stream<Example> examples(Path file, Pattern pattern) {
        try {
            return pattern
                    .matcher(Files.readString(file))
                    .results()
                    .map((MatchResult match) -> new Example(file, match.group(1)))
                    .toList()
                    .stream();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @ParameterizedTest
    @MethodSource("examples")
    void everyExampleCompiles(Example example, @TempDir Path output) {
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        JavaFileObject source =
                new SimpleJavaFileObject(URI.create("string:///Example.java"), JavaFileObject.Kind.SOURCE) {
                    @Override
                    public CharSequence getCharContent(boolean ignoreEncodingErrors) {
                        return example.code().startsWith("import ") ? example.code() : FRAME.formatted(example.code());
                    }
                };
        StringWriter messages = new StringWriter();
        List<String> options =
                List.of("-proc:none", "-d", output.toString(), "-classpath", System.getProperty("java.class.path"));
        boolean compiled = compiler.getTask(messages, null, null, options, null, List.of(source))
                .call();
        assertThat(compiled).as(messages.toString()).isTrue();
    }

    @Test
    void theReadmeAndTheMainTypesHaveExamples() throws IOException {
        assertThat(examples().map(example -> example.file().getFileName().toString()))
                .contains(
                        "README.md",
                        "MIGRATION.md",
                        "package-info.java",
                        "LoginFlow.java",
                        "ScriptedEndpoint.java",
                        "ExchangeServerEndpoint.java",
                        "BearerAuthentication.java");
    }
}
