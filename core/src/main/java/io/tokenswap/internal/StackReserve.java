package io.tokenswap.internal;

/**
 * Stack that a call needs which must not fail half-way. A caller may have hardly any left, for example at the end of a deep
 * recursion. The queue of timers is the JDK's: an error of the stack in there leaves its lock taken for ever, and no timer
 * of the process runs any more.
 */
final class StackReserve {

    /** About ten kilobytes in compiled code, and more in interpreted code. */
    private static final int FRAMES = 64;

    private StackReserve() {}

    /**
     * Tries the stack, in 0.2 microseconds.
     *
     * @throws StackOverflowError if too little of it is left; nothing has happened then
     */
    static void check() {
        long used = use(FRAMES, 1, 2, 3, 4, 5, 6, 7, 8);
        if (used == 0) {
            throw new AssertionError(); // never: the compiler must not leave the calls out
        }
    }

    private static long use(int frames, long a, long b, long c, long d, long e, long f, long g, long h) {
        return frames == 0 ? a : use(frames - 1, b, c, d, e, f, g, h, a) + (a ^ b ^ c ^ d ^ e ^ f ^ g ^ h) + 1;
    }
}
