package io.tokenswap.callback;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.ThrowableProxyUtil;
import ch.qos.logback.core.AppenderBase;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;
import org.slf4j.LoggerFactory;

/** What is logged while it is open, at any level and kept off the console. */
final class CapturedLog extends AppenderBase<ILoggingEvent> implements AutoCloseable {

    private record Line(Level level, String logger, String text) {}

    private final List<Line> lines = new CopyOnWriteArrayList<>();
    private final Logger logger = (Logger) LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
    private final @Nullable Level before = logger.getLevel();

    private CapturedLog(Level level) {
        setContext((LoggerContext) LoggerFactory.getILoggerFactory());
        start();
        logger.addAppender(this);
        logger.setLevel(level);
        logger.getAppender("console").stop();
    }

    static CapturedLog everything() {
        return new CapturedLog(Level.TRACE);
    }

    static CapturedLog asByDefault() {
        return new CapturedLog(Level.INFO);
    }

    @Override
    protected void append(ILoggingEvent event) {
        lines.add(new Line(
                event.getLevel(),
                event.getLoggerName(),
                event.getFormattedMessage() + " " + ThrowableProxyUtil.asString(event.getThrowableProxy())));
    }

    List<String> messages() {
        return lines.stream().map(Line::text).toList();
    }

    /** What a logger said that a person should read. */
    List<String> warnings(Class<?> type) {
        return lines.stream()
                .filter(line -> line.level.isGreaterOrEqual(Level.WARN) && line.logger.equals(type.getName()))
                .map(Line::text)
                .toList();
    }

    List<String> errors() {
        return lines.stream()
                .filter(line -> line.level.isGreaterOrEqual(Level.ERROR))
                .map(Line::text)
                .toList();
    }

    @Override
    public void close() {
        logger.detachAppender(this);
        logger.setLevel(before);
        logger.getAppender("console").start();
    }
}
