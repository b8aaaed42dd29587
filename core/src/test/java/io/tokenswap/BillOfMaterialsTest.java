package io.tokenswap;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.Node;

/** The bill of materials has no parent to inherit from, so its copies are compared with the originals. */
class BillOfMaterialsTest {

    private static final Path ROOT = Path.of("..");

    private final Element parent = pom(ROOT.resolve("pom.xml"));
    private final Element bom = pom(ROOT.resolve("core/bom/pom.xml"));

    @Test
    void theVersionsAreThoseOfOurBuild() {
        assertThat(properties(parent)).containsAllEntriesOf(properties(bom));
        Element inherited = child(parent, "parent");
        assertThat(text(bom, "version")).isEqualTo(text(inherited, "version"));
        assertThat(text(bom, "groupId")).isEqualTo(text(inherited, "groupId"));
    }

    @Test
    void everyPublishedModuleIsManaged() {
        List<String> published = new ArrayList<>();
        for (Element module : children(child(parent, "modules"))) {
            Path folder = ROOT.resolve(module.getTextContent());
            if (Files.isDirectory(folder.resolve("src/main"))) {
                published.add(text(pom(folder.resolve("pom.xml")), "artifactId"));
            }
        }
        List<String> managed = new ArrayList<>();
        for (Element dependency : children(child(child(bom, "dependencyManagement"), "dependencies"))) {
            if (text(dependency, "groupId").equals("io.tokenswap")) {
                managed.add(text(dependency, "artifactId"));
            }
        }
        assertThat(managed).containsExactlyInAnyOrderElementsOf(published).contains("tokenswap-core");
    }

    private static Map<String, String> properties(Element project) {
        Map<String, String> properties = new TreeMap<>();
        children(child(project, "properties"))
                .forEach(property -> properties.put(property.getTagName(), property.getTextContent()));
        return properties;
    }

    private static Element pom(Path file) {
        try {
            Document document =
                    DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(file.toFile());
            return document.getDocumentElement();
        } catch (Exception e) {
            throw new AssertionError(file.toString(), e);
        }
    }

    private static String text(Element parent, String name) {
        return child(parent, name).getTextContent();
    }

    private static Element child(Element parent, String name) {
        return children(parent).stream()
                .filter(element -> element.getTagName().equals(name))
                .findFirst()
                .orElseThrow(() -> new AssertionError(parent.getTagName() + " has no " + name));
    }

    private static List<Element> children(Element parent) {
        List<Element> children = new ArrayList<>();
        for (Node node = parent.getFirstChild(); node != null; node = node.getNextSibling()) {
            if (node instanceof Element element) {
                children.add(element);
            }
        }
        return children;
    }
}
