package io.tokenswap.samples.exchange.operation;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.binder.jvm.JvmGcMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;

/** Keeps the numbers in a registry of Micrometer. */
final class PrometheusMetrics implements Metrics {

    private final PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    private final JvmGcMetrics collections = new JvmGcMetrics();
    private final Map<ResponseLabels, Timer> responses = new ConcurrentHashMap<>();
    private final Map<ProviderLabels, Timer> providerRequests = new ConcurrentHashMap<>();

    /** Starts with the numbers of the JVM. */
    PrometheusMetrics() {
        new JvmMemoryMetrics().bindTo(registry);
        collections.bindTo(registry);
        FunctionCounter.builder("exchange.log.lines.left.out", LogLimiter.class, any -> leftOutLines())
                .description("Log lines that were over the limit of their kind")
                .register(registry);
    }

    @Override
    public void gauge(String name, String description, Supplier<Number> value) {
        Gauge.builder(name, value).description(description).register(registry);
    }

    @Override
    public void response(String route, int status, Duration time) {
        // Not looked up in the registry for each response, which would cost more than the rest of the count.
        ResponseLabels labels = new ResponseLabels(route, status);
        Timer timer = responses.get(labels);
        if (timer == null) {
            timer = Timer.builder("exchange.requests")
                    .description("Responses by route and status")
                    .tag("route", route)
                    .tag("status", String.valueOf(status))
                    .register(registry);
            responses.put(labels, timer);
        }
        timer.record(time);
    }

    @Override
    public void provider(String grantType, String outcome, Duration time) {
        ProviderLabels labels = new ProviderLabels(grantType, outcome);
        Timer timer = providerRequests.get(labels);
        if (timer == null) {
            timer = Timer.builder("exchange.provider.requests")
                    .description("Requests to the provider by their outcome")
                    .tag("grant_type", grantType)
                    .tag("outcome", outcome)
                    .register(registry);
            providerRequests.put(labels, timer);
        }
        timer.record(time);
    }

    @Override
    public void limited(String limit) {
        Counter.builder("exchange.limited")
                .description("Requests over a limit")
                .tag("limit", limit)
                .register(registry)
                .increment();
    }

    @Override
    public String scrape() {
        return registry.scrape();
    }

    private record ResponseLabels(String route, int status) {}

    private record ProviderLabels(String grantType, String outcome) {}

    private static double leftOutLines() {
        try {
            return LogLimiter.leftOut();
        } catch (NoClassDefFoundError anotherLoggingSystem) {
            return 0;
        }
    }

    @Override
    public void close() {
        collections.close();
        registry.close();
    }
}
