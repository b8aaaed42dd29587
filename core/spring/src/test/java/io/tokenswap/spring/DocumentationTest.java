package io.tokenswap.spring;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.StringWriter;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
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
 * Compiles the examples of the README and of its pages that need Spring, as a reader would paste them: a class into a
 * separate file, methods into a class for configuration.
 */
class DocumentationTest {

    private static final Path ROOT = Path.of("..", "..");
    private static final Pattern EXAMPLE = Pattern.compile("(?s)```java\n(.*?)```");
    private static final Pattern SPRING = Pattern.compile("@RestController|@Configuration");
    private static final Pattern CLASS = Pattern.compile("(?m)^(public )?class ");
    private static final Pattern PUBLIC_CLASS = Pattern.compile("public class (\\w+)");

    private static final String IMPORTS = """
            import io.tokenswap.*;
            import io.tokenswap.http.*;
            import io.tokenswap.session.*;
            import io.tokenswap.spring.*;
            import java.net.URI;
            import java.time.*;
            import org.springframework.beans.factory.annotation.Qualifier;
            import org.springframework.boot.SpringApplication;
            import org.springframework.boot.autoconfigure.SpringBootApplication;
            import org.springframework.context.annotation.*;
            import org.springframework.http.*;
            import org.springframework.http.codec.ServerSentEvent;
            import org.springframework.security.config.Customizer;
            import org.springframework.security.config.web.server.ServerHttpSecurity;
            import org.springframework.security.oauth2.client.ReactiveOAuth2AuthorizedClientManager;
            import org.springframework.security.oauth2.client.web.reactive.function.client.ServerOAuth2AuthorizedClientExchangeFilterFunction;
            import org.springframework.security.web.server.SecurityWebFilterChain;
            import org.springframework.security.web.server.csrf.CsrfWebFilter;
            import org.springframework.security.web.server.util.matcher.*;
            import static org.springframework.security.web.server.util.matcher.ServerWebExchangeMatchers.pathMatchers;
            import org.springframework.web.bind.annotation.*;
            import org.springframework.web.reactive.function.client.WebClient;
            import reactor.core.publisher.*;
            """;

    static Stream<String> examples() throws IOException {
        return Stream.concat(
                Stream.of("README.md", ".github/MIGRATION.md")
                        .flatMap(DocumentationTest::examples)
                        .filter(code -> SPRING.matcher(code).find()),
                examples(".github/SPRING.md"));
    }

    private static Stream<String> examples(String page) {
        return EXAMPLE.matcher(read(ROOT.resolve(page))).results().map(match -> match.group(1));
    }

    private static String read(Path page) {
        try {
            return Files.readString(page);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @ParameterizedTest
    @MethodSource("examples")
    void everyExampleCompiles(String code, @TempDir Path output) {
        String name = PUBLIC_CLASS
                .matcher(code)
                .results()
                .map(match -> match.group(1))
                .findFirst()
                .orElse("Example");
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        JavaFileObject source =
                new SimpleJavaFileObject(URI.create("string:///" + name + ".java"), JavaFileObject.Kind.SOURCE) {
                    @Override
                    public CharSequence getCharContent(boolean ignoreEncodingErrors) {
                        return IMPORTS
                                + (CLASS.matcher(code).find() ? code : "@Configuration class Example {\n" + code + "}");
                    }
                };
        StringWriter messages = new StringWriter();
        List<String> options = List.of(
                "-proc:none",
                "-parameters",
                "-d",
                output.toString(),
                "-classpath",
                System.getProperty("java.class.path"));
        boolean compiled = compiler.getTask(messages, null, null, options, null, List.of(source))
                .call();
        assertThat(compiled).as(messages.toString()).isTrue();
    }

    @Test
    void thereIsOneOnEachPage() throws IOException {
        assertThat(examples()).hasSizeGreaterThanOrEqualTo(5);
    }
}
