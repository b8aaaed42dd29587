package io.tokenswap.testing;

import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.ThrowableProxyUtil;
import ch.qos.logback.core.AppenderBase;
import java.util.ArrayList;
import java.util.List;

/**
 * Shows every log event to the {@link Canary}, with the whole chain of its throwable, and writes nothing. Meant for the root
 * logger, at {@code TRACE}.
 */
public final class CanaryAppender extends AppenderBase<ILoggingEvent> {

    private final List<String> spared = new ArrayList<>();

    /** Looks away from the loggers below a name: of a server that a test has in the place of somebody else's. */
    public void addSpared(String name) {
        spared.add(name);
    }

    @Override
    protected void append(ILoggingEvent event) {
        String logger = event.getLoggerName();
        if (spared.stream().noneMatch(logger::startsWith)) {
            Canary.inspect(
                    logger,
                    event.getThrowableProxy() == null
                            ? event.getFormattedMessage()
                            : event.getFormattedMessage() + "\n"
                                    + ThrowableProxyUtil.asString(event.getThrowableProxy()));
        }
    }
}
