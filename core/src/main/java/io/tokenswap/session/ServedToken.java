package io.tokenswap.session;

import io.tokenswap.Token;
import java.time.Instant;

/**
 * The token of a session, the time until which callers get it, and what the session knows of its stored record. It stays the
 * same object while the phases of a session change but the token does not.
 *
 * @param token the token
 * @param staleAt when callers stop getting it, in milliseconds since 1970
 * @param refused true if the API has refused the token: no caller gets it any more
 * @param rejections the number of tokens in a row that the API has refused; a short number saves eight bytes of each session
 * @param offset the distance of the clocks when the token became current, see {@link Moment#by(long)}
 * @param stored what is known of the stored record; {@link Stored#NONE} without a store
 */
record ServedToken(Token token, long staleAt, boolean refused, short rejections, long offset, Stored stored) {

    static ServedToken of(Token token, int rejections, Stored stored, Moment moment, SessionSettings settings) {
        long staleAt = millis(settings.policy().staleAt(token));
        return new ServedToken(token, staleAt, false, shortened(rejections), moment.offset(), stored);
    }

    boolean isUsable(Moment moment) {
        return !refused && moment.by(offset) < staleAt;
    }

    ServedToken with(Stored stored) {
        return this.stored.equals(stored) ? this : new ServedToken(token, staleAt, refused, rejections, offset, stored);
    }

    ServedToken with(Token token) {
        return new ServedToken(token, staleAt, refused, rejections, offset, stored);
    }

    ServedToken refuse() {
        return refused ? this : new ServedToken(token, staleAt, true, rejections, offset, stored);
    }

    /** Counts how many tokens in a row the API has refused. */
    ServedToken rejections(int rejections) {
        return new ServedToken(token, staleAt, refused, shortened(rejections), offset, stored);
    }

    /** Stops the count where the backoff has long reached its maximum. */
    private static short shortened(int rejections) {
        return (short) Math.min(rejections, Short.MAX_VALUE);
    }

    /** Takes the distance of the clocks anew, so that a deadline that is set now has a twin by the monotonic clock. */
    ServedToken anchored(Moment moment) {
        return moment.offset() <= offset
                ? this
                : new ServedToken(token, staleAt, refused, rejections, moment.offset(), stored);
    }

    /**
     * A token that was issued here just now starts now, whatever the wall clock says. The clock may have been set back during the
     * request, or differ from the clock of the endpoint.
     */
    ServedToken startedBy(Moment moment) {
        long start = millis(token.issuedAt()) - moment.elapsed();
        return start <= offset ? this : new ServedToken(token, staleAt, refused, rejections, start, stored);
    }

    /** Converts to a range in which the difference of any two values fits too. */
    static long millis(Instant instant) {
        long longest = Phase.NEVER / 2_000;
        return instant.getEpochSecond() > longest
                ? Phase.NEVER
                : instant.getEpochSecond() < -longest ? -Phase.NEVER / 2 : instant.toEpochMilli();
    }
}
