package io.tokenswap.session;

import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;
import reactor.util.context.Context;

/**
 * Many calls of foreign code. Before the first call, the batch is handed to the executor once more. If a call blocks its
 * thread, another thread takes the batch up and continues with the next call.
 */
final class CallBatch implements Runnable {

    /** The calls of a batch. Safe for use by several threads. */
    interface Calls {

        /** Returns the next call, or null after the last one. */
        @Nullable Runnable next();

        /** Returns true if there is a next call. */
        boolean hasNext();
    }

    private final Executor executor;
    private final Calls calls;

    /** The thread that hands the batch on. An executor that runs it within that very call must not nest the calls. */
    private @Nullable Thread handing;

    private CallBatch(Executor executor, Calls calls) {
        this.executor = executor;
        this.calls = calls;
    }

    static void run(Executor executor, Calls calls) {
        executor.execute(new CallBatch(executor, calls));
    }

    @Override
    @SuppressWarnings("ReferenceEquality") // threads have an identity
    public void run() {
        if (handing == Thread.currentThread()) {
            return;
        }
        Runnable call = calls.next();
        if (call != null && calls.hasNext()) {
            handing = Thread.currentThread();
            executor.execute(this);
            handing = null;
        }
        while (call != null) {
            SafeCall.run(call, Context.empty()); // the calls behind it still run
            call = calls.next();
        }
    }
}
