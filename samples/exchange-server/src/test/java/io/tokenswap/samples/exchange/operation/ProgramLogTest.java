package io.tokenswap.samples.exchange.operation;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.AsyncAppender;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.joran.JoranConfigurator;
import ch.qos.logback.classic.util.LogbackMDCAdapter;
import ch.qos.logback.core.joran.spi.JoranException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The logging of the packaged program. */
class ProgramLogTest {

    @Test
    @Tag("E60")
    @Timeout(value = 120, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void aReaderThatReadsNothingHoldsNoThreadUp() throws JoranException {
        CountDownLatch read = new CountDownLatch(1);
        PrintStream err = System.err;
        LoggerContext context = new LoggerContext();
        context.setMDCAdapter(new LogbackMDCAdapter());
        try {
            System.setErr(new PrintStream(new Unread(read), true, StandardCharsets.UTF_8));
            JoranConfigurator configurator = new JoranConfigurator();
            configurator.setContext(context);
            configurator.doConfigure("src/main/program/logback.xml");
            Logger log = context.getLogger("test");
            // More lines than the queue takes, and fewer of each kind than the limit.
            for (int i = 0; i < 5_000; i++) {
                log.warn("Kind " + i % 900);
            }
            AsyncAppender queue =
                    (AsyncAppender) context.getLogger(Logger.ROOT_LOGGER_NAME).getAppender("queue");
            assertThat(queue.getRemainingCapacity()).isZero();
        } finally {
            System.setErr(err);
            read.countDown();
            context.stop();
        }
    }

    /** A pipe that is full until its reader comes. */
    private static final class Unread extends OutputStream {

        private final CountDownLatch read;

        Unread(CountDownLatch read) {
            this.read = read;
        }

        @Override
        public void write(int b) {
            try {
                read.await();
            } catch (InterruptedException end) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
