package io.tokenswap.internal;

/** Threads that have hardly any stack left for a call. */
public final class DeepStack {

    private static final int THREADS = 300;

    private DeepStack() {}

    /**
     * Calls with hardly any stack, and again with some more of it, until there is enough: in many threads, one after another,
     * each of which runs out of its stack at other places.
     *
     * @param call the call, which has been made before, so that its classes are loaded
     * @param check is called on this thread after each of the threads
     */
    public static void overflow(Runnable call, Check check) throws InterruptedException {
        for (int i = 0; i < THREADS; i++) {
            int frames = i % 16;
            Thread thread = new Thread(null, () -> shift(call, frames, 0, 0), "deep", 200_000);
            thread.start();
            thread.join();
            check.run();
        }
    }

    /** Moves the frames below. */
    private static void shift(Runnable call, int frames, long wide, long wider) {
        if (frames > 0) {
            shift(call, frames - 1, wider, wide);
        } else {
            overflow(call);
        }
    }

    private static void overflow(Runnable call) {
        try {
            overflow(call);
        } catch (StackOverflowError deep) {
            call.run();
        }
    }

    /** A check that waits. */
    @FunctionalInterface
    public interface Check {

        void run() throws InterruptedException;
    }
}
