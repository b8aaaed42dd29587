package io.tokenswap.samples.exchange;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.util.Version;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import tools.jackson.core.json.JsonFactory;

/** Versions with known vulnerabilities are not on the class path, and the build refuses them. */
class VersionFloorsTest {

    @Test
    @Tag("C74")
    void theLibrariesAreNotOlderThanTheirFloors() {
        assertAtLeast(Version.identify().get("netty-common").artifactVersion(), "4.2.15");
        assertAtLeast(new JsonFactory().version().toString(), "3.2.0");
    }

    @Test
    @Tag("C74")
    void theBuildRefusesOlderOnesAndWritesABillOfMaterials() throws IOException {
        assertThat(Files.readString(Path.of("../../.ci/build/pom.xml")))
                .contains("io.netty:*:(,4.2.15.Final)", "io.projectreactor.netty:*:(,1.3.8)", "tools.jackson.core:*:(,")
                .contains("<goal>makeBom</goal>");
        assertThat(Files.readString(Path.of("pom.xml"))).contains("cyclonedx-maven-plugin");
    }

    private static void assertAtLeast(String version, String floor) {
        assertThat(Arrays.compare(numbers(version), numbers(floor))).as(version).isNotNegative();
    }

    private static int[] numbers(String version) {
        return Arrays.stream(version.split("[.-]"))
                .filter(part -> part.matches("[0-9]+"))
                .limit(3)
                .mapToInt(Integer::parseInt)
                .toArray();
    }
}
