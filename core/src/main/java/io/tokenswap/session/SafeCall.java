package io.tokenswap.session;

import reactor.core.publisher.Operators;
import reactor.util.context.Context;
import reactor.util.context.ContextView;

/**
 * Calls foreign code whose exception must not stop the work that follows. Other callers wait for that work. Even an error that
 * Reactor considers fatal, for example a missing class, is passed only to the hook for dropped errors.
 */
final class SafeCall {

    private SafeCall() {}

    /** Returns true if the call returned normally. Otherwise its exception is passed to the hook for dropped errors. */
    static boolean run(Runnable call, ContextView context) {
        try {
            call.run();
            return true;
        } catch (Throwable thrown) {
            drop(thrown, context);
            return false;
        }
    }

    /** Reports an error for which no caller waits. The hook is foreign code too, so its exceptions are ignored. */
    static void drop(Throwable error, ContextView context) {
        try {
            Operators.onErrorDropped(error, Context.of(context));
        } catch (Throwable ignored) {
            // The hook asks for the error to be thrown, but no caller here could catch it.
        }
    }
}
