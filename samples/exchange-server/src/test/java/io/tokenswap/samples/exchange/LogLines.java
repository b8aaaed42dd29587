package io.tokenswap.samples.exchange;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.IThrowableProxy;
import ch.qos.logback.core.Appender;
import ch.qos.logback.core.AppenderBase;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.slf4j.LoggerFactory;

/** All lines of all loggers, at the level at which they say most. */
final class LogLines extends AppenderBase<ILoggingEvent> implements AutoCloseable {

    private final Logger root = (Logger) LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
    private final Logger own = (Logger) LoggerFactory.getLogger("io.tokenswap.samples.exchange");
    private final Level rootLevel = root.getLevel();
    private final Level ownLevel = own.getLevel();
    private final List<Appender<ILoggingEvent>> others = new ArrayList<>();
    private final Queue<String> lines = new ConcurrentLinkedQueue<>();

    LogLines() {
        setContext(root.getLoggerContext());
        start();
        root.iteratorForAppenders().forEachRemaining(others::add);
        others.forEach(root::detachAppender);
        root.addAppender(this);
        root.setLevel(Level.TRACE);
        own.setLevel(Level.TRACE);
    }

    @Override
    protected void append(ILoggingEvent event) {
        StringBuilder line = new StringBuilder(event.getLoggerName() + " " + event.getFormattedMessage());
        for (IThrowableProxy cause = event.getThrowableProxy(); cause != null; cause = cause.getCause()) {
            line.append(' ').append(cause.getMessage());
        }
        lines.add(event.getLevel() + " " + line);
    }

    /** Returns the level, the logger and the text of each line. */
    List<String> all() {
        return List.copyOf(lines);
    }

    /** Returns the lines for an operator: the warnings and errors. */
    List<String> forOperator() {
        return lines.stream()
                .filter(line -> line.startsWith("WARN ") || line.startsWith("ERROR "))
                .toList();
    }

    @Override
    public void close() {
        root.setLevel(rootLevel);
        own.setLevel(ownLevel);
        root.detachAppender(this);
        others.forEach(root::addAppender);
        stop();
    }
}
