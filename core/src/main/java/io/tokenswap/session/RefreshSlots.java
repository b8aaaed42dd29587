package io.tokenswap.session;

import java.util.ArrayList;
import java.util.List;
import java.util.function.DoubleSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Bound on the refreshes in flight of all sessions of one builder. After a restart thousands of sessions may be due at
 * once: the server then gets a few requests at a time, in random order, and first those for which a caller waits.
 */
@SuppressWarnings("ReferenceEquality") // lists and tickets are compared by identity
final class RefreshSlots {

    private final int limit;
    private int inFlight;

    /** Tickets of attempts for which a caller waits, and of the others. Every ticket knows its index. */
    private final List<Ticket> urgent = new ArrayList<>();

    private final List<Ticket> others = new ArrayList<>();

    RefreshSlots(int limit) {
        this.limit = limit;
    }

    /**
     * Takes a slot for an attempt, which must {@link #release} it in any case. Without a free one, the ticket is started as soon
     * as there is.
     *
     * @return true if the attempt has a slot
     */
    synchronized boolean take(RefreshAttempt attempt, Ticket ticket) {
        if (inFlight < limit) {
            inFlight++;
            return true;
        }
        add(attempt.hasWaiters() ? urgent : others, ticket);
        attempt.onWaiter(ticket);
        return false;
    }

    /** A caller waits for the attempt from now on. */
    synchronized void promote(Ticket ticket) {
        if (ticket.list == others) {
            remove(others, ticket.index);
            add(urgent, ticket);
        }
    }

    /** Returns a slot, and gives it to a waiting attempt. */
    void release(DoubleSupplier random) {
        Ticket next = next(random);
        if (next != null) {
            next.start();
        }
    }

    private synchronized @Nullable Ticket next(DoubleSupplier random) {
        List<Ticket> from = urgent.isEmpty() ? others : urgent;
        if (from.isEmpty()) {
            inFlight--;
            return null;
        }
        return remove(from, (int) (random.getAsDouble() * from.size()));
    }

    private static void add(List<Ticket> list, Ticket ticket) {
        ticket.list = list;
        ticket.index = list.size();
        list.add(ticket);
    }

    /** Removes a ticket and moves the last one to its place, which takes constant time. */
    private static Ticket remove(List<Ticket> list, int index) {
        Ticket removed = list.get(index);
        Ticket last = list.remove(list.size() - 1);
        if (last != removed) {
            last.index = index;
            list.set(index, last);
        }
        removed.list = null;
        return removed;
    }

    /** An attempt that may wait for a slot. */
    abstract static class Ticket {

        /** The list in which this ticket waits; null if it does not wait. This and the index are guarded by the slots. */
        private @Nullable List<Ticket> list;

        private int index;

        /** Starts the attempt, which has a slot. */
        abstract void start();

        /** A caller waits for the attempt from now on. */
        abstract void promote();
    }
}
