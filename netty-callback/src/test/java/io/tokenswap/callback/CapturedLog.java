package io.tokenswap.callback;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;
import org.slf4j.LoggerFactory;

/** What is logged while it is open, kept off the console. */
final class CapturedLog extends AppenderBase<ILoggingEvent> implements AutoCloseable {

    private final List<String> messages = new CopyOnWriteArrayList<>();
    private final Logger logger;
    private final @Nullable Level before;

    private CapturedLog(String name, Level level) {
        this.logger = (Logger) LoggerFactory.getLogger(name);
        this.before = logger.getLevel();
        setContext((LoggerContext) LoggerFactory.getILoggerFactory());
        start();
        logger.addAppender(this);
        logger.setLevel(level);
        console(false);
    }

    static CapturedLog of(Class<?> type) {
        return new CapturedLog(type.getName(), Level.WARN);
    }

    static CapturedLog everything() {
        return new CapturedLog(org.slf4j.Logger.ROOT_LOGGER_NAME, Level.TRACE);
    }

    @Override
    protected void append(ILoggingEvent event) {
        messages.add(event.getFormattedMessage() + " " + event.getThrowableProxy());
    }

    List<String> messages() {
        return messages;
    }

    private void console(boolean on) {
        Logger root = (Logger) LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
        if (on) {
            root.getAppender("console").start();
        } else {
            root.getAppender("console").stop();
        }
    }

    @Override
    public void close() {
        logger.detachAppender(this);
        logger.setLevel(before);
        console(true);
    }
}
