package io.tokenswap.callback;

import java.net.InetAddress;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;
import reactor.netty.http.HttpResources;
import reactor.netty.resources.LoopResources;

/**
 * Options of a {@link LoopbackReceiver}. No option depends on the order in which options are set.
 *
 * @param redirectUris the URIs at which to listen
 * @param ports replace the ports of the redirect URIs, null for none
 * @param timeout the time from subscription to the authorization response
 * @param timers runs the timers, null for an event loop of Reactor Netty
 * @param pasted the lines that the user pastes, null for none
 */
record ReceiverOptions(
        List<URI> redirectUris,
        @Nullable List<Integer> ports,
        CallbackPage page,
        Duration timeout,
        @Nullable Scheduler timers,
        @Nullable PastedInput pasted,
        List<InetAddress> addresses,
        Listener.Limits limits) {

    private static final Duration CENTURY = Duration.ofDays(36_500);

    static final ReceiverOptions DEFAULT = new ReceiverOptions(
            List.of(URI.create("http://localhost:4002/auth")),
            null,
            CallbackPage.create(),
            Duration.ofMinutes(5),
            null,
            null,
            Listener.LOOPBACK,
            Listener.Limits.DEFAULT);

    /** Returns a changed copy. */
    ReceiverOptions with(Consumer<Draft> change) {
        Draft draft = new Draft(this);
        change.accept(draft);
        return new ReceiverOptions(
                draft.redirectUris,
                draft.ports,
                draft.page,
                draft.timeout,
                draft.timers,
                draft.pasted,
                draft.addresses,
                draft.limits);
    }

    /** Returns the URIs to try in order: each one with each port. */
    List<URI> candidates() {
        if (ports == null) {
            return redirectUris;
        }
        List<URI> candidates = new ArrayList<>();
        for (URI redirectUri : redirectUris) {
            for (int port : ports) {
                candidates.add(withPort(redirectUri, port));
            }
        }
        return candidates;
    }

    /** Returns the timeout, at most a century: some programs set the longest duration to switch a timeout off. */
    long timeoutNanos() {
        return timeout.compareTo(CENTURY) < 0 ? timeout.toNanos() : CENTURY.toNanos();
    }

    static URI withPort(URI redirectUri, int port) {
        return URI.create("http://" + redirectUri.getHost() + ":" + port + redirectUri.getRawPath());
    }

    /**
     * Returns the scheduler of the timers. An application may keep those of Reactor busy; the event loops serve the
     * login anyway.
     */
    Scheduler scheduler() {
        return timers == null
                ? Schedulers.fromExecutorService(
                        HttpResources.get()
                                .onServer(LoopResources.DEFAULT_NATIVE)
                                .next(),
                        "tokenswap-login")
                : timers;
    }

    /** A copy that is being changed. */
    static final class Draft {

        List<URI> redirectUris;

        @Nullable List<Integer> ports;

        CallbackPage page;
        Duration timeout;

        @Nullable Scheduler timers;

        @Nullable PastedInput pasted;

        List<InetAddress> addresses;
        Listener.Limits limits;

        private Draft(ReceiverOptions from) {
            redirectUris = from.redirectUris;
            ports = from.ports;
            page = from.page;
            timeout = from.timeout;
            timers = from.timers;
            pasted = from.pasted;
            addresses = from.addresses;
            limits = from.limits;
        }
    }
}
