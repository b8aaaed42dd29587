package io.tokenswap.samples.desktop;

import java.io.IOException;
import java.io.UncheckedIOException;

/** The reader of the output has gone, for example the other end of a pipe. */
@SuppressWarnings("serial")
final class ClosedOutputException extends UncheckedIOException {

    ClosedOutputException() {
        super(new IOException("The output is closed"));
    }
}
