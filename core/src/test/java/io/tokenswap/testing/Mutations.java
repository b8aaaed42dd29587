package io.tokenswap.testing;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;

/** Mutations of good inputs by a hostile or broken peer, the same at each run: the short form of the fuzzing. */
public final class Mutations {

    private static final int MOST_CHANGES = 4;
    private static final List<String> WORDS = List.of(
            "\"", "\\", "\\ud800", "{", "[", "]", "%", "%00", "%ff", "&", "=", "\n", "\n\n", "1e999", "-", "canary");

    private final List<String> seeds;
    private final Random random;

    private Mutations(List<String> seeds, Random random) {
        this.seeds = seeds;
        this.random = random;
    }

    /**
     * Changed seeds, without end.
     *
     * @param seeds good inputs, which come first as they are
     */
    public static Stream<byte[]> of(List<String> seeds) {
        Mutations mutations = new Mutations(seeds, new Random(1));
        return Stream.concat(seeds.stream().map(Mutations::bytes), Stream.generate(mutations::next));
    }

    private byte[] next() {
        byte[] input = bytes(oneOf(seeds));
        for (int changes = 1 + random.nextInt(MOST_CHANGES); changes > 0; changes--) {
            input = changed(input);
        }
        return input;
    }

    /** Replaces a piece, which may be empty, by a byte, a word, a piece of another input, or nothing. */
    private byte[] changed(byte[] input) {
        byte[] other = bytes(oneOf(seeds));
        byte[] piece = switch (random.nextInt(4)) {
            case 0 -> new byte[] {(byte) random.nextInt()};
            case 1 -> bytes(oneOf(WORDS));
            case 2 -> piece(other, random.nextInt(other.length + 1), other.length);
            default -> new byte[0];
        };
        int start = random.nextInt(input.length + 1);
        int end = Math.min(input.length, start + random.nextInt(8));
        ByteArrayOutputStream output = new ByteArrayOutputStream();
        output.writeBytes(piece(input, 0, start));
        output.writeBytes(piece);
        output.writeBytes(piece(input, end, input.length));
        return output.toByteArray();
    }

    private static byte[] piece(byte[] bytes, int start, int end) {
        return Arrays.copyOfRange(bytes, start, end);
    }

    private <T> T oneOf(List<T> values) {
        return values.get(random.nextInt(values.size()));
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
