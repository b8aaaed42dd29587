package io.tokenswap.session;

/**
 * Point in time by two clocks.
 *
 * @param wall the wall clock, in milliseconds since 1970. It may be set forward or back
 * @param elapsed a monotonic clock in milliseconds, which may stand still while the computer sleeps
 */
record Moment(long wall, long elapsed) {

    /** Returns the distance of the two clocks. A deadline that is kept with it has a twin by the monotonic clock. */
    long offset() {
        return wall - elapsed;
    }

    /** Returns the milliseconds since an earlier moment, by the clock that says more: each of them may have stood still. */
    long since(Moment earlier) {
        return Math.max(Math.max(0, elapsed - earlier.elapsed), wall - earlier.wall);
    }

    /**
     * Returns the time with which deadlines are compared: the wall clock, or the offset plus the elapsed time if that is later.
     * A wall clock that is set back therefore postpones nothing.
     */
    long by(long offset) {
        return Math.max(wall, elapsed + offset);
    }
}
