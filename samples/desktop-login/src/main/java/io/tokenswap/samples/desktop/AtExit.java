package io.tokenswap.samples.desktop;

/** Action that also runs if the process is ended from outside, for example by Ctrl-C. */
final class AtExit {

    private final Thread hook;

    private AtExit(Runnable action) {
        hook = new Thread(action, "at-exit");
    }

    /** Runs the action when the process ends, unless it is cancelled before. */
    static AtExit run(Runnable action) {
        AtExit atExit = new AtExit(action);
        Runtime.getRuntime().addShutdownHook(atExit.hook);
        return atExit;
    }

    void cancel() {
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException ending) {
            // The hook runs.
        }
    }
}
