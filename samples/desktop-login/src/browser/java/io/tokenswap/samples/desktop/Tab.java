package io.tokenswap.samples.desktop;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import org.openqa.selenium.WebDriverException;

/** One tab, used as a person does. */
final class Tab implements AutoCloseable {

    private final RealBrowser browser;
    private final String id;

    Tab(RealBrowser browser, String id) {
        this.browser = browser;
        this.id = id;
    }

    /** Types an address; returns when the page is complete. */
    Tab open(Object address) {
        browser.send("browsingContext.navigate", Map.of("context", id, "url", address.toString(), "wait", "complete"));
        return this;
    }

    /** Goes to a page without waiting for all that it loads. */
    void lookAt(URI page) {
        browser.send("browsingContext.navigate", Map.of("context", id, "url", page.toString(), "wait", "none"));
    }

    /** As a person does who allows no scripts. */
    void forbidScripts() {
        browser.send("emulation.setScriptingEnabled", Map.of("contexts", List.of(id), "enabled", false));
    }

    /** Gives the window a size, and the system a light or a dark appearance. For Chromium only. */
    void look(int width, int height, boolean dark) {
        browser.send(
                "browsingContext.setViewport",
                Map.of("context", id, "viewport", Map.of("width", width, "height", height)));
        Object session = ((Map<?, ?>) browser.send("goog:cdp.getSession", Map.of("context", id))).get("session");
        Map<String, Object> scheme = Map.of("name", "prefers-color-scheme", "value", dark ? "dark" : "light");
        browser.send(
                "goog:cdp.sendCommand",
                Map.of(
                        "session",
                        session,
                        "method",
                        "Emulation.setEmulatedMedia",
                        "params",
                        Map.of("features", List.of(scheme))));
    }

    /** Leaves a picture of the page in {@code target/screenshots}, for people to look at. */
    void screenshot(String name) {
        Object picture = browser.send("browsingContext.captureScreenshot", Map.of("context", id))
                .get("data");
        try {
            Path folder = Files.createDirectories(Path.of("target/screenshots"));
            Files.write(folder.resolve(name + ".png"), Base64.getDecoder().decode((String) picture));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    void reload() {
        browser.send("browsingContext.reload", Map.of("context", id, "wait", "complete"));
    }

    void back() {
        browser.send("browsingContext.traverseHistory", Map.of("context", id, "delta", -1));
    }

    void forward() {
        browser.send("browsingContext.traverseHistory", Map.of("context", id, "delta", 1));
    }

    /** Returns the text of the address bar. */
    String address() {
        Map<?, ?> tree = browser.send("browsingContext.getTree", Map.of("root", id));
        return (String) ((Map<?, ?>) ((List<?>) tree.get("contexts")).get(0)).get("url");
    }

    /** Returns the text of the page. */
    String text() {
        return evaluate("document.body.innerText");
    }

    String evaluate(String expression) {
        Map<?, ?> response = browser.send(
                "script.evaluate",
                Map.of(
                        "expression",
                        expression,
                        "target",
                        Map.of("context", id),
                        "awaitPromise",
                        true,
                        "userActivation",
                        true));
        if (!"success".equals(response.get("type"))) {
            throw new WebDriverException(String.valueOf(response));
        }
        return String.valueOf(((Map<?, ?>) response.get("result")).get("value"));
    }

    /** The texts of the elements that a selector finds; needs no script to be allowed. */
    List<String> elements(String selector) {
        return locate(selector).stream()
                .map(element -> ((Map<?, ?>) ((Map<?, ?>) element).get("value")).get("children"))
                .map(children -> ((Map<?, ?>) ((List<?>) children).get(0)).get("value"))
                .map(text -> (String) ((Map<?, ?>) text).get("nodeValue"))
                .toList();
    }

    private List<?> locate(String selector) {
        return (List<?>) browser.send(
                        "browsingContext.locateNodes",
                        Map.of(
                                "context",
                                id,
                                "locator",
                                Map.of("type", "css", "value", selector),
                                "serializationOptions",
                                Map.of("maxDomDepth", 1)))
                .get("nodes");
    }

    /** Clicks with the mouse in the middle of what a selector finds. */
    void click(String selector) {
        Map<?, ?> node = (Map<?, ?>) locate(selector).get(0);
        Map<String, Object> there = Map.of(
                "type",
                "pointerMove",
                "x",
                0,
                "y",
                0,
                "origin",
                Map.of("type", "element", "element", Map.of("sharedId", node.get("sharedId"))));
        browser.send(
                "input.performActions",
                Map.of(
                        "context",
                        id,
                        "actions",
                        List.of(Map.of(
                                "type",
                                "pointer",
                                "id",
                                "mouse",
                                "actions",
                                List.of(
                                        there,
                                        Map.of("type", "pointerDown", "button", 0),
                                        Map.of("type", "pointerUp", "button", 0))))));
    }

    /** Returns the requests of this tab to other sites, in order. */
    List<String> requests() {
        return browser.sent().stream()
                .filter(request -> request.context().equals(id))
                .filter(request -> !request.url().startsWith("data:"))
                .map(RealBrowser.Traffic::url)
                .toList();
    }

    /** Returns the errors that the browser reports on this tab. */
    List<String> complaints() {
        return browser.console().stream()
                .filter(entry -> id.equals(((Map<?, ?>) entry.get("source")).get("context")))
                .map(entry -> entry.get("level") + " " + entry.get("text"))
                .toList();
    }

    String id() {
        return id;
    }

    boolean isOpen() {
        return browser.tabs().contains(id);
    }

    @Override
    public void close() {
        if (isOpen()) {
            browser.send("browsingContext.close", Map.of("context", id));
        }
    }
}
