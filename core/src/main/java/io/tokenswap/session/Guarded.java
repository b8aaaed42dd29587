package io.tokenswap.session;

import reactor.core.publisher.Operators;
import reactor.util.context.Context;
import reactor.util.context.ContextView;

/**
 * Calls into foreign code from where an exception must not stop what comes next: others wait behind, and would wait for ever. So
 * even an error that Reactor takes for fatal, a missing class for one, goes no further than the hook for dropped errors.
 */
final class Guarded {

    private Guarded() {}

    /** Whether the call came back; if not, what it threw went to the hook for dropped errors. */
    static boolean run(Runnable call, ContextView context) {
        try {
            call.run();
            return true;
        } catch (Throwable thrown) {
            Operators.onErrorDropped(thrown, Context.of(context));
            return false;
        }
    }
}
