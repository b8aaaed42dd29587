package io.tokenswap.samples.exchange.operation;

import java.time.Duration;
import java.util.function.Supplier;

/**
 * The numbers of one server, for Prometheus. Every label has a bounded set of values: a path that does not exist is
 * counted as {@code other}. No label holds a token, a user or an address.
 */
public interface Metrics extends AutoCloseable {

    /** The content type of {@link #scrape()}. */
    String CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

    /** Returns numbers that start with those of the JVM. */
    static Metrics ofPrometheus() {
        return new PrometheusMetrics();
    }

    /** Returns metrics that count nothing, for a server that shows none. Its start loads no class of a registry. */
    static Metrics none() {
        return NoMetrics.INSTANCE;
    }

    /** Shows a number that is read when it is asked for. */
    void gauge(String name, String description, Supplier<Number> value);

    /** Counts a response. */
    void response(String route, int status, Duration time);

    /** Counts a request to the provider. */
    void provider(String grantType, String outcome, Duration time);

    /** Counts a request that was over a limit. */
    void limited(String limit);

    /** Returns all numbers in the text format of Prometheus. */
    String scrape();

    @Override
    void close();
}
