import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Holds the tags of the tests and {@code .github/CASES.md} together: run {@code java .ci/Cases.java} at the top of the
 * repository. Every tag must be on the list once, and every line of the list must be a tag. Each difference is printed; the
 * exit code is 1 if there is one.
 */
final class Cases {

    private static final Pattern TAG = Pattern.compile("@Tag\\(\"([A-E][0-9]{2,3})\"\\)");
    private static final Pattern LINE = Pattern.compile("(?m)^- \\*\\*([A-E][0-9]{2,3})\\*\\* \\S");
    private static final Path LIST = Path.of(".github", "CASES.md");

    public static void main(String[] arguments) throws IOException {
        Map<String, Path> tags = tags();
        List<String> faults = new ArrayList<>();
        List<String> listed = new ArrayList<>();
        Matcher lines = LINE.matcher(Files.readString(LIST));
        while (lines.find()) {
            if (listed.contains(lines.group(1))) {
                faults.add(lines.group(1) + " is on the list twice");
            }
            listed.add(lines.group(1));
        }
        tags.forEach((tag, file) -> {
            if (!listed.contains(tag)) {
                faults.add(file + ": " + tag + " is not on the list, add a line to " + LIST);
            }
        });
        listed.stream()
                .filter(id -> !tags.containsKey(id))
                .forEach(id -> faults.add(LIST + ": no test has the tag " + id));
        faults.forEach(System.out::println);
        System.out.printf("%d cases, %d differences%n", tags.size(), faults.size());
        System.exit(faults.isEmpty() ? 0 : 1);
    }

    /** Returns each tag with a file that has it. */
    private static Map<String, Path> tags() throws IOException {
        Map<String, Path> tags = new TreeMap<>();
        List<Path> sources;
        try (Stream<Path> all = Files.walk(Path.of(""))) {
            sources = all.filter(file -> file.toString().endsWith(".java"))
                    .filter(file -> !file.startsWith(".ci") && !file.toString().contains("target"))
                    .toList();
        }
        for (Path file : sources) {
            Matcher matcher = TAG.matcher(Files.readString(file));
            while (matcher.find()) {
                tags.putIfAbsent(matcher.group(1), file);
            }
        }
        return tags;
    }
}
