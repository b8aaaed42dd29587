package io.tokenswap.session;

import reactor.core.publisher.Operators;
import reactor.util.context.Context;
import reactor.util.context.ContextView;

/**
 * Calls foreign code whose exception must not stop the work that follows. Others wait for that work, and would wait for ever. Even an
 * error that Reactor takes for fatal, for example a missing class, goes no further than the hook for dropped errors.
 */
final class SafeCall {

    private SafeCall() {}

    /** Returns true if the call returned normally. Otherwise the hook for dropped errors gets what it threw. */
    static boolean run(Runnable call, ContextView context) {
        try {
            call.run();
            return true;
        } catch (Throwable thrown) {
            drop(thrown, context);
            return false;
        }
    }

    /** Reports an error that nobody waits for. The hook is foreign code too: what it throws is ignored. */
    static void drop(Throwable error, ContextView context) {
        try {
            Operators.onErrorDropped(error, Context.of(context));
        } catch (Throwable ignored) {
            // The hook asks for the error to be thrown. Nobody could catch it here.
        }
    }
}
