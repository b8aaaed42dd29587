package io.tokenswap;

import reactor.core.Exceptions;
import reactor.core.publisher.Operators;
import reactor.util.context.Context;
import reactor.util.context.ContextView;

/** Calls into foreign code from where an exception must not stop what comes next. */
final class Guarded {

    private Guarded() {}

    /** Whether the call came back; if not, what it threw went to the hook for dropped errors. */
    static boolean run(Runnable call, ContextView context) {
        try {
            call.run();
            return true;
        } catch (Throwable thrown) {
            Exceptions.throwIfJvmFatal(thrown);
            Operators.onErrorDropped(thrown, Context.of(context));
            return false;
        }
    }
}
