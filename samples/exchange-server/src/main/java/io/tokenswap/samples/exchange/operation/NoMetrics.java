package io.tokenswap.samples.exchange.operation;

import java.time.Duration;
import java.util.function.Supplier;

/** Counts nothing. */
enum NoMetrics implements Metrics {
    INSTANCE;

    @Override
    public void gauge(String name, String description, Supplier<Number> value) {}

    @Override
    public void response(String route, int status, Duration time) {}

    @Override
    public void provider(String grantType, String outcome, Duration time) {}

    @Override
    public void limited(String limit) {}

    @Override
    public String scrape() {
        return "";
    }

    @Override
    public void close() {}
}
