package io.tokenswap.samples.desktop;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The token in a file, over several runs of the program. */
class TokenFileTest {

    private EmbeddedSystem system;
    private Path file;
    private String options;

    @BeforeEach
    void start(@TempDir Path directory) {
        system = EmbeddedSystem.withDemoProvider(
                List.of(URI.create("http://127.0.0.1:0/auth")), Duration.ofMinutes(5), true);
        file = directory.resolve("tokens").resolve("me");
        options = "--browser headless --listen http://127.0.0.1:0/auth --refreshes 0 --json --exchange "
                + system.exchangeUri() + " --token-file " + file + " ";
    }

    @AfterEach
    void stop() {
        system.close();
    }

    @Test
    void theSecondStartNeedsNoBrowser() {
        Run first = Run.of(options).succeeds();
        Run second = Run.of(options).succeeds();

        assertThat(first.eventNames()).containsExactly("authorize", "token");
        assertThat(second.eventNames()).containsExactly("token");
        assertThat(second.events().get(0).get("fingerprint"))
                .isEqualTo(first.events().get(1).get("fingerprint"));
    }

    @Test
    void theFileBelongsToItsOwnerAlone() throws IOException {
        Run.of(options).succeeds();

        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                .isEqualTo("rw-------");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file.getParent())))
                .isEqualTo("rwx------");
    }

    @Test
    void aStoredTokenThatIsGoodNeedsNoServer() {
        Run.of(options).succeeds();
        system.close();

        Run run = Run.of(options).succeeds();

        assertThat(run.eventNames()).containsExactly("token");
    }

    @Test
    void afterASignOutTheBrowserOpensAgain() throws IOException {
        Run.of(options).succeeds();
        String token = Files.readString(file);

        Run signOut = Run.of("--sign-out --json --token-file " + file).succeeds();

        assertThat(signOut.eventNames()).containsExactly("note");
        assertThat(Files.readString(file)).isNotEqualTo(token).doesNotContain("access_token");
        assertThat(Run.of(options).succeeds().eventNames()).containsExactly("authorize", "token");
    }

    @Test
    void aSignOutOfAnEmptyPlaceIsNoError() {
        Run.of("--sign-out --token-file " + file).succeeds();
    }

    @Test
    void aGrantThatHasEndedAsksForTheBrowserAtTheNextStart() {
        Run.of(options).succeeds();
        Objects.requireNonNull(system.provider()).revokeAll();

        Run ended = Run.of(options.replace("--refreshes 0", "--refreshes 0 --me-url " + system.meUri()));

        assertThat(ended.exitCode()).as(ended.toString()).isEqualTo(8);
        assertThat(Run.of(options).succeeds().eventNames()).containsExactly("authorize", "token");
    }

    @Test
    void aFileThatOthersMayReadIsNamedWithTheRemedy() throws IOException {
        Run.of(options).succeeds();
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r--r--"));

        Run run = Run.of(options.replace("--json", "")).failsWith(11);

        assertThat(run.err()).contains(file.toString()).contains("chmod");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            --sign-out                          | --token-file
            --token-file /tmp/never-written     | --exchange
            """)
    void halfOfTheOptionsNamesTheOther(String given, String missing) {
        assertThat(Run.of(given).failsWith(2).err()).contains(missing);
    }

    @Test
    void beforeSpotifyTheKeysOfTheExchangeServerMustOutliveTheProgram() {
        Map<String, String> spotify = Map.of("SPOTIFY_CLIENT_ID", "id", "SPOTIFY_CLIENT_SECRET", "canary");

        Run run = Run.of(spotify, "--token-file " + file, line -> {}).failsWith(2);

        assertThat(run.err()).contains("SEAL_KEYS").doesNotContain("canary");
    }
}
