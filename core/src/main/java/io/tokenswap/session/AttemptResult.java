package io.tokenswap.session;

import io.tokenswap.Token;
import io.tokenswap.TokenSwapException;
import io.tokenswap.session.TokenStore.Record;
import org.jspecify.annotations.Nullable;

/** Result of an attempt. A phase turns it into the next phase. */
sealed interface AttemptResult {

    /** The server issued a token, and there is no store to save it in. Also the token of a login. */
    record Issued(Token token) implements AttemptResult {}

    /**
     * The server issued a token that must be saved.
     *
     * @param record the record to save
     * @param attempt the attempt whose lease the save ends
     * @param sameRefreshToken true if the server did not rotate the refresh token
     */
    record Obtained(Record record, long attempt, boolean sameRefreshToken) implements AttemptResult {}

    /** Another node has written a greater record. No request was sent, or its response does not matter any more. */
    record Adopted(Record record) implements AttemptResult {}

    /**
     * The record is missing in a store that loses nothing: it was removed to sign the user out.
     *
     * @param last the record that had been there. A user who has signed in since is not signed out
     */
    record Removed(Record last) implements AttemptResult {}

    /** Nothing has changed in the store. */
    record Unchanged() implements AttemptResult {}

    /**
     * The provider refused the refresh token for good, or there is none.
     *
     * @param dead the record that says so, or null if none was written
     */
    record Ended(TokenSwapException error, @Nullable Record dead) implements AttemptResult {}

    /**
     * The attempt failed and will be repeated.
     *
     * @param error what happened
     */
    record Failed(TokenSwapException error) implements AttemptResult {

        /** Converts any error to the one that the callers get. */
        static Failed by(Throwable error) {
            return new Failed(
                    error instanceof RecordStore.StoreFailure failure
                            ? failure.toCallers()
                            : TokenRequests.typed(error));
        }
    }

    /**
     * Nothing was sent, as it is another node's turn. This is no failure.
     *
     * @param error what callers without a usable token get
     * @param millis how long to wait before the next attempt
     */
    record Postponed(TokenSwapException error, long millis) implements AttemptResult {}
}
