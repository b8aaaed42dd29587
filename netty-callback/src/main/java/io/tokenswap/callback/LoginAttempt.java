package io.tokenswap.callback;

import io.tokenswap.AuthorizationCode;
import io.tokenswap.AuthorizationRequest;
import io.tokenswap.AuthorizationResponse;
import io.tokenswap.AuthorizationResponse.Failed;
import io.tokenswap.callback.CallbackPage.Outcome;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.Exceptions;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Mono;
import reactor.core.publisher.MonoSink;
import reactor.core.publisher.Signal;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;
import reactor.util.Logger;
import reactor.util.Loggers;
import reactor.util.context.Context;

/**
 * One subscription to a {@link LoopbackReceiver}: binds the port, opens the login in the browser, waits for its
 * authorization response, and swaps the code.
 *
 * <pre>
 *  WAITING --authorization response--> SWAPPING --result--> ENDED
 *     |                                                       ^
 *     +--error, timeout, or (in each state) cancellation------+
 * </pre>
 *
 * <p>Each step is a compare-and-set, and the thread that wins it has the effects. Everything that the attempt holds is
 * released before the end is passed on, so that nothing the subscriber does then can keep the port.
 *
 * <p>Programs start with a login. The steps before the browser opens are therefore written without operators, each of
 * which would load several classes.
 */
final class LoginAttempt<T> implements CoreSubscriber<Listener>, Disposable {

    private enum State {
        WAITING,
        SWAPPING,
        ENDED
    }

    private static final Logger log = Loggers.getLogger(LoopbackReceiver.class);

    private final ReceiverOptions options;
    private final Function<? super URI, AuthorizationRequest> requests;
    private final Browser browser;
    private final Function<? super AuthorizationCode, ? extends Mono<T>> swap;
    private final Outcome success;
    private final MonoSink<T> sink;
    private final Context context;
    private final List<URI> candidates;
    private final Scheduler scheduler;
    private final AtomicReference<State> state = new AtomicReference<>(State.WAITING);

    /** Released at the end: the port, the login and the swap. */
    private final Deque<Disposable> held = new ConcurrentLinkedDeque<>();

    /** Released at the authorization response: the timer, the browser and the input. */
    private final Deque<Disposable> heldWhileWaiting = new ConcurrentLinkedDeque<>();

    private Disposable timer = Disposables.disposed();
    private volatile int candidate;
    private volatile @Nullable PendingLogin login;

    LoginAttempt(
            ReceiverOptions options,
            Function<? super URI, AuthorizationRequest> requests,
            Browser browser,
            Function<? super AuthorizationCode, ? extends Mono<T>> swap,
            Outcome success,
            MonoSink<T> sink) {
        this.options = options;
        this.requests = requests;
        this.browser = browser;
        this.swap = swap;
        this.success = success;
        this.sink = sink;
        this.context = Context.of(sink.contextView());
        this.candidates = options.candidates();
        this.scheduler = options.scheduler();
    }

    void start() {
        timer = scheduler.schedule(this::timeOut, options.timeoutNanos(), TimeUnit.NANOSECONDS);
        sink.onCancel(this);
        bind();
    }

    private void bind() {
        Listener.Place place = new Listener.Place(options.addresses(), port(candidates.get(candidate)));
        SharedListener.Lease lease = SharedListener.take(place, options.limits(), scheduler);
        hold(lease);
        lease.listener().subscribe(this);
    }

    @Override
    public Context currentContext() {
        return context;
    }

    @Override
    public void onSubscribe(Subscription subscription) {
        subscription.request(Long.MAX_VALUE);
    }

    @Override
    public void onNext(Listener listener) {
        holdWhileWaiting(Schedulers.boundedElastic().schedule(() -> open(listener)));
    }

    @Override
    public void onError(Throwable error) {
        fail(error);
    }

    @Override
    public void onComplete() {
        // The listener has been emitted.
    }

    /** Opens the login. Runs on a thread that may block. */
    private void open(Listener listener) {
        if (state.get() != State.WAITING) {
            return;
        }
        try {
            URI redirectUri = bound(candidates.get(candidate), listener);
            PendingLogin made = new PendingLogin(requests.apply(redirectUri), options.page(), scheduler, this::respond);
            if (redirectUri.getHost().equals("localhost")) {
                String problem = localhostProblem(localhost(), listener);
                if (problem != null) {
                    log.warn(problem);
                    made.hint(problem);
                }
            }
            login = made;
            hold(listener.logins().add(made, scheduler));
            if (state.get() == State.WAITING) {
                subscribe(browser.open(made.uri()));
            }
            PastedInput pasted = options.pasted();
            if (pasted != null && state.get() == State.WAITING) {
                subscribe(pasted.offerTo(made));
            }
        } catch (Throwable error) {
            Exceptions.throwIfFatal(error);
            fail(error);
        }
    }

    /** Subscribes to a part of the login that ends it by an error only. */
    private void subscribe(Mono<Void> part) {
        BaseSubscriber<Void> subscriber = new BaseSubscriber<>() {
            @Override
            protected void hookOnError(Throwable error) {
                fail(error);
            }

            @Override
            public Context currentContext() {
                return context;
            }
        };
        holdWhileWaiting(subscriber);
        part.subscribe(subscriber);
    }

    /** Swaps the code, reports the outcome to the page, and passes the result on when the page was sent. */
    private void respond(AuthorizationResponse response) {
        PendingLogin waiting = login;
        if (waiting == null || !state.compareAndSet(State.WAITING, State.SWAPPING)) {
            return;
        }
        timer.dispose();
        release(heldWhileWaiting);
        BaseSubscriber<Signal<T>> subscriber = new BaseSubscriber<>() {
            @Override
            protected void hookOnNext(Signal<T> result) {
                if (end(State.SWAPPING)) {
                    emit(result);
                }
            }

            @Override
            protected void hookOnError(Throwable error) {
                if (end(State.SWAPPING)) {
                    sink.error(error);
                }
            }

            @Override
            public Context currentContext() {
                return context;
            }
        };
        hold(subscriber);
        Mono.fromCallable(response::orElseThrow)
                .flatMap(swap)
                .materialize()
                .doOnNext(result -> waiting.end(outcome(response, result)))
                .delayUntil(result -> waiting.shown())
                .subscribe(subscriber);
    }

    private Outcome outcome(AuthorizationResponse response, Signal<T> result) {
        return response instanceof Failed failed && failed.error().denied()
                ? Outcome.DENIED
                : result.isOnError() ? Outcome.FAILED : success;
    }

    private void emit(Signal<T> result) {
        Throwable error = result.getThrowable();
        if (error == null) {
            sink.success(result.get());
        } else {
            sink.error(error);
        }
    }

    private void timeOut() {
        if (end(State.WAITING)) {
            PendingLogin waiting = login;
            sink.error(LoginErrors.timedOut(options.timeout(), waiting == null ? null : waiting.hint()));
        }
    }

    /** Ends the login before its response, or tries the next redirect URI. */
    private void fail(Throwable error) {
        int next = candidate + 1;
        if (isOfThePlace(error) && next < candidates.size() && state.get() == State.WAITING) {
            release(heldWhileWaiting);
            release(held);
            candidate = next;
            bind();
        } else if (end(State.WAITING)) {
            sink.error(error);
        }
    }

    private static boolean isOfThePlace(Throwable error) {
        return error instanceof PortInUseException || error instanceof RedirectHostException;
    }

    @Override
    public void dispose() {
        if (!end(State.WAITING)) {
            end(State.SWAPPING);
        }
    }

    /** Ends the attempt if it is in a state. Returns true if this call did. */
    private boolean end(State from) {
        if (!state.compareAndSet(from, State.ENDED)) {
            return false;
        }
        timer.dispose();
        release(heldWhileWaiting);
        release(held);
        return true;
    }

    private void hold(Disposable resource) {
        held.push(resource);
        if (state.get() == State.ENDED) {
            release(held);
        }
    }

    private void holdWhileWaiting(Disposable resource) {
        heldWhileWaiting.push(resource);
        if (state.get() != State.WAITING) {
            release(heldWhileWaiting);
        }
    }

    /** Releases all of them, the last one first. Each is taken by one thread. */
    private static void release(Deque<Disposable> resources) {
        for (Disposable next = resources.poll(); next != null; next = resources.poll()) {
            next.dispose();
        }
    }

    private static URI bound(URI redirectUri, Listener listener) {
        String host = redirectUri.getHost();
        if (!listener.listensOn(host)) {
            throw LoginErrors.redirectHost(host, "this machine does not have that address");
        }
        return port(redirectUri) == 0 ? ReceiverOptions.withPort(redirectUri, listener.port()) : redirectUri;
    }

    /** Resolves localhost as the browser may do. Most browsers need no resolver for it. */
    private static InetAddress[] localhost() {
        try {
            return InetAddress.getAllByName("localhost");
        } catch (UnknownHostException unknown) {
            // Only a browser that needs no resolver can come back then.
            return new InetAddress[0];
        }
    }

    /**
     * Rejects a localhost that is another machine. Returns a hint if no address of localhost leads to the listener,
     * else null. A browser that needs no resolver still reaches the listener.
     */
    static @Nullable String localhostProblem(InetAddress[] resolved, Listener listener) {
        boolean reached = resolved.length == 0;
        for (InetAddress address : resolved) {
            if (!address.isLoopbackAddress()) {
                throw LoginErrors.redirectHost("localhost", "it resolves to " + address.getHostAddress());
            }
            reached |= listener.isReached(address instanceof Inet6Address);
        }
        return reached
                ? null
                : "On this machine, localhost resolves to " + resolved[0].getHostAddress()
                        + " only, where nothing can listen. If the browser cannot connect, use the host "
                        + (listener.isReached(true) ? "[::1]" : "127.0.0.1") + " in the redirect URI.";
    }

    private static int port(URI redirectUri) {
        return redirectUri.getPort() < 0 ? 80 : redirectUri.getPort();
    }
}
