package io.tokenswap.samples.exchange.operation;

import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.filter.Filter;
import ch.qos.logback.core.spi.FilterReply;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Lets at most {@value #MOST} lines of one kind through in a minute, and counts the others. A kind is a logger together with
 * the text of its message before arguments are filled in. The numbers are logged at the end of the minute.
 *
 * <p>A client can cause any number of failures. Without a limit it could fill the disk, and hide one line among millions.
 * The filter belongs on the appender that queues, so that what it drops never reaches the queue.
 */
public final class LogLimiter extends Filter<ILoggingEvent> {

    static final int MOST = 10;

    private static final long SECOND = 1_000_000_000L;
    private static final long MINUTE = 60 * SECOND;

    /** There are fewer kinds than lines of code that log. A library that builds its messages itself may have any number. */
    private static final int MOST_KINDS = 1_000;

    private static final String REST = "of all other kinds";
    private static final LongAdder LEFT_OUT = new LongAdder();
    private static final Logger log = LoggerFactory.getLogger(LogLimiter.class);

    private final ConcurrentMap<String, Window> windows = new ConcurrentHashMap<>();
    private final LongSupplier nanoTime;
    private final AtomicLong reportedAt;

    /** Made by the configuration of the logging system. */
    public LogLimiter() {
        this(System::nanoTime);
    }

    LogLimiter(LongSupplier nanoTime) {
        this.nanoTime = nanoTime;
        this.reportedAt = new AtomicLong(nanoTime.getAsLong());
    }

    /** Returns the number of lines that were left out since the start of the process. */
    public static long leftOut() {
        return LEFT_OUT.sum();
    }

    @Override
    public FilterReply decide(ILoggingEvent event) {
        long now = nanoTime.getAsLong();
        String kind = event.getLoggerName() + ": " + withoutConnection(event.getMessage());
        if (windows.size() >= MOST_KINDS && !windows.containsKey(kind)) {
            kind = REST;
        }
        reportEndedWindows(now);
        Window previous = windows.get(kind);
        if (previous != null && previous.hasEnded(now)) {
            report(kind, previous);
        }
        if (windows.computeIfAbsent(kind, k -> new Window(now)).count() > MOST) {
            LEFT_OUT.increment();
            return FilterReply.DENY;
        }
        return FilterReply.NEUTRAL;
    }

    /** Returns a message without its beginning in brackets, where Reactor Netty names the connection. */
    private static String withoutConnection(String message) {
        int end = message.startsWith("[") ? message.indexOf("] ") : -1;
        return message.substring(end < 0 ? 0 : end + 2);
    }

    private void reportEndedWindows(long now) {
        long last = reportedAt.get();
        // Looked at once a second and not at every line.
        if (now - last < SECOND || !reportedAt.compareAndSet(last, now)) {
            return;
        }
        windows.forEach((kind, window) -> {
            if (window.hasEnded(now)) {
                report(kind, window);
            }
        });
    }

    private void report(String kind, Window window) {
        if (windows.remove(kind, window) && window.leftOut() > 0) {
            log.warn("{} more lines like this one were left out: {}", window.leftOut(), kind);
        }
    }

    /** The lines of one kind in one minute. */
    private static final class Window {

        private final long start;
        private final AtomicLong lines = new AtomicLong();

        Window(long start) {
            this.start = start;
        }

        long count() {
            return lines.incrementAndGet();
        }

        boolean hasEnded(long now) {
            return now - start >= MINUTE;
        }

        long leftOut() {
            return Math.max(0, lines.get() - MOST);
        }
    }
}
