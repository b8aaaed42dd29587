package io.tokenswap.internal;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/** Bytes of a text, which differ for different texts. */
public final class TextBytes {

    private TextBytes() {}

    /**
     * Encodes a text in UTF-8. Half of a surrogate pair has no UTF-8, and Java would write a question mark. A text with one is
     * written character by character instead, behind a byte that no UTF-8 has.
     *
     * @param text the text
     * @return new bytes
     */
    public static byte[] of(String text) {
        if (isWellFormed(text)) {
            return text.getBytes(StandardCharsets.UTF_8);
        }
        ByteBuffer bytes = ByteBuffer.allocate(1 + Character.BYTES * text.length());
        bytes.put((byte) 0xFF).asCharBuffer().put(text);
        return bytes.array();
    }

    private static boolean isWellFormed(String text) {
        int index = 0;
        while (index < text.length()) {
            int character = text.codePointAt(index);
            if (character >= Character.MIN_SURROGATE && character <= Character.MAX_SURROGATE) {
                return false;
            }
            index += Character.charCount(character);
        }
        return true;
    }
}
