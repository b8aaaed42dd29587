import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Checks the English of the sources and of the documents: run {@code java .ci/Language.java} at the top of the repository.
 *
 * <p>Three rules. At most 3 percent of the Javadoc comments begin with a question word: a comment begins with a verb or a
 * noun phrase. No word of {@link #AVOIDED} stands in a Java source or a document, or is part of a name. No line of
 * a Javadoc comment is longer than 130 columns. Each hit is printed as file, line and reason; the exit code is 1 if a rule
 * is broken.
 */
final class Language {

    private static final Pattern JAVADOC = Pattern.compile("(?s)/\\*\\*(?!/)(.*?)\\*/");
    private static final Pattern QUESTION = Pattern.compile("^(What|Where|Whether|How|Who|Whoever|Whose|Whom|Why)\\b");
    /** The places between the words of a name. */
    private static final Pattern CAMEL_CASE = Pattern.compile("(?<=[a-z0-9])(?=[A-Z])");

    private static final double QUESTIONS_ALLOWED = 0.03;
    private static final int COLUMNS = 130;

    /** Words that a reader stumbles over, each with the words to use in their place. */
    private static final List<Avoided> AVOIDED = List.of(
            avoid("for one(?=[.,;:)])", "for example"),
            avoid("as a rule", "usually"),
            avoid("all the same", "nevertheless, or leave it out"),
            avoid("of (its|their) own", "its own, separate"),
            avoid("whoever|whosoever", "name the person or the program"),
            avoid("(?-i:[Nn]obody|NOBODY)", "no caller, no other program"),
            avoid("everybody", "all callers, every node"),
            avoid("mend|mends|mended|mending", "fix, repair"),
            avoid("talks? nonsense", "sends an invalid response"),
            avoid("out of order", "name the order"),
            avoid("patience|patient|patiently", "retries with backoff"),
            avoid("goes on", "continues"),
            avoid("tells", "reports, describes, shows"),
            avoid("is over", "has ended, exceeds"),
            avoid("answer|answers|answered|answering", "response, responds"));

    /** Lines that keep a word of the list, with the reason. A path is matched at its end, the text anywhere in the line. */
    private static final List<Exception> EXCEPTIONS = List.of(
            new Exception(".ci/Language.java", "", "the list itself"),
            new Exception(".github/CHANGELOG.md", "strictAnswers", "the old name of a method"));

    private record Avoided(Pattern pattern, String instead) {}

    private record Exception(String path, String text, String reason) {
        boolean covers(Path file, String line) {
            return file.endsWith(path) && line.contains(text);
        }
    }

    private int comments;
    private final List<String> questions = new ArrayList<>();
    private final List<String> faults = new ArrayList<>();

    public static void main(String[] arguments) throws IOException {
        Path top = Path.of(arguments.length > 0 ? arguments[0] : "");
        Language language = new Language();
        for (Path file : files(top)) {
            language.check(top.toAbsolutePath().relativize(file), Files.readString(file, StandardCharsets.UTF_8));
        }
        System.exit(language.report() ? 0 : 1);
    }

    private static Avoided avoid(String words, String instead) {
        return new Avoided(Pattern.compile("(?i)(?<![a-z0-9_])(" + words + ")(?![a-z0-9_])"), instead);
    }

    private static List<Path> files(Path top) throws IOException {
        try (Stream<Path> all = Files.walk(top.toAbsolutePath())) {
            return all.filter(file -> file.toString().endsWith(".java") || file.toString().endsWith(".md"))
                    .filter(file -> Stream.of("target", ".git").noneMatch(folder -> contains(top, file, folder)))
                    .sorted()
                    .toList();
        }
    }

    private static boolean contains(Path top, Path file, String folder) {
        for (Path part : top.toAbsolutePath().relativize(file)) {
            if (part.toString().equals(folder)) {
                return true;
            }
        }
        return false;
    }

    private void check(Path file, String text) {
        String[] lines = text.split("\n", -1);
        for (int i = 0; i < lines.length; i++) {
            words(file, i + 1, lines[i], i + 1 < lines.length ? lines[i + 1] : "");
        }
        if (file.toString().endsWith(".java")) {
            javadoc(file, text);
        }
    }

    private void words(Path file, int number, String line, String next) {
        if (EXCEPTIONS.stream().anyMatch(exception -> exception.covers(file, line))) {
            return;
        }
        // A term of several words may stand on two lines: it counts where it begins. In a name, each part is a word.
        String words = CAMEL_CASE.matcher(line).replaceAll(" ");
        String joined = words + " " + next.replaceFirst("^[\\s*/]+", "");
        for (Avoided avoided : AVOIDED) {
            Matcher matcher = avoided.pattern().matcher(joined);
            while (matcher.find()) {
                if (matcher.start() < words.length()) {
                    faults.add(file + ":" + number + ": '" + matcher.group(1) + "' (" + avoided.instead() + ")");
                }
            }
        }
    }

    private void javadoc(Path file, String text) {
        Matcher matcher = JAVADOC.matcher(text);
        while (matcher.find()) {
            comments++;
            int number = 1 + (int) text.substring(0, matcher.start()).chars().filter(c -> c == '\n').count();
            String body = matcher.group(1).replaceAll("(?m)^\\s*\\*? ?", "").strip();
            if (QUESTION.matcher(body).find()) {
                questions.add(file + ":" + number + ": " + body.lines().findFirst().orElse(""));
            }
            String[] lines = matcher.group().split("\n");
            int start = text.lastIndexOf('\n', matcher.start()) + 1;
            for (int i = 0; i < lines.length; i++) {
                int columns = lines[i].length() + (i == 0 ? matcher.start() - start : 0);
                if (columns > COLUMNS) {
                    faults.add(file + ":" + (number + i) + ": " + columns + " columns");
                }
            }
        }
    }

    private boolean report() {
        faults.forEach(System.out::println);
        boolean tooMany = questions.size() > comments * QUESTIONS_ALLOWED;
        if (tooMany) {
            questions.forEach(System.out::println);
        }
        System.out.printf(
                "%d Javadoc comments, %d begin with a question word (%d allowed); %d other faults%n",
                comments, questions.size(), (int) (comments * QUESTIONS_ALLOWED), faults.size());
        return faults.isEmpty() && !tooMany;
    }
}
