package io.tokenswap.session;

import io.tokenswap.AuthorizationCode;
import io.tokenswap.RefreshToken;
import io.tokenswap.SessionClosedException;
import io.tokenswap.Token;
import io.tokenswap.TokenEndpoint;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.core.scheduler.Scheduler;

/**
 * A session whose every move is an actor's: tokens are numbers, the token after n is n + 1, time stands still until it
 * is set, and timers fire when they are told to.
 */
final class StressSession implements TokenEndpoint, Scheduler {

    static final int CLOSED = -1;
    static final int FAILED = -2;

    private static final long LIFETIME = 3_600;

    final AtomicInteger requests = new AtomicInteger();
    final TokenStore store = TokenStore.inMemory();
    final DefaultTokenSession session;

    /** Response to the next requests; null for one at once. */
    private final Sinks.@Nullable One<Token> response;

    private final Queue<AtomicReference<@Nullable Runnable>> timers = new ConcurrentLinkedQueue<>();
    private List<AtomicReference<@Nullable Runnable>> ripe = List.of();
    private volatile Instant now = Instant.EPOCH;

    private StressSession(boolean respondsAtOnce, boolean stores) {
        response = respondsAtOnce ? null : Sinks.one();
        TokenSession.Builder builder =
                TokenSession.builder(this).clock(() -> now).scheduler(this).random(() -> 0);
        if (stores) {
            builder.store(store, "user");
        }
        session = (DefaultTokenSession) builder.start(token(1)).block();
    }

    /** Creates a session whose endpoint responds at once. */
    static StressSession responding() {
        return new StressSession(true, false);
    }

    /** Creates a session whose endpoint responds when {@link #land} is called. */
    static StressSession waiting() {
        return new StressSession(false, false);
    }

    /** The same with a store. */
    static StressSession waitingWithStore() {
        return new StressSession(false, true);
    }

    static Token token(int number) {
        return Token.builder(String.valueOf(number), Instant.EPOCH)
                .refreshToken(String.valueOf(number))
                .expiresAt(Instant.ofEpochSecond(LIFETIME))
                .build();
    }

    static int number(Token token) {
        return Integer.parseInt(token.accessToken().secret());
    }

    /** Begins a refresh while the first token is still good. */
    StressSession refreshing() {
        session.refresh().subscribe(token -> {}, error -> {});
        return this;
    }

    /** Refuses the first token: it is refreshed, and no caller gets it any more. */
    StressSession refused() {
        session.invalidate(token(1));
        return this;
    }

    /** Delivers the response: the second token. */
    void land() {
        response.tryEmitValue(token(2));
    }

    void renew(int number) {
        session.renew(token(number)).block();
    }

    /** The number of the token that a caller gets, by and by: 0 until then, or how it fails. */
    AtomicInteger ask() {
        AtomicInteger got = new AtomicInteger();
        subscribe(session.token(), got);
        return got;
    }

    Disposable subscribe(Mono<Token> mono, AtomicInteger got) {
        return mono.subscribe(
                token -> got.set(number(token)),
                error -> got.set(error instanceof SessionClosedException ? CLOSED : FAILED));
    }

    /** The current token's number as a caller sees it in the end. */
    int current() {
        return ask().get();
    }

    /** The number of the token that is stored, 0 after a sign-out. */
    int stored() {
        Token token = record().token();
        return token == null ? 0 : number(token);
    }

    private TokenStore.Record record() {
        return Objects.requireNonNull(store.load(TokenStore.key("user")).block().record());
    }

    /** Returns true if another session could refresh: no lease was forgotten. */
    boolean isKeyFree() {
        return store.acquire(TokenStore.key("user"), "other", record().version(), Duration.ofSeconds(20))
                        .block()
                        .outcome()
                == TokenStore.Outcome.GRANTED;
    }

    /** The same after the user has signed in again. */
    boolean isKeyFreeAfterLogin() {
        TokenSession.builder(this)
                .clock(() -> now)
                .scheduler(this)
                .store(store, "user")
                .start(token(1))
                .block();
        return isKeyFree();
    }

    /** Moves the clock to where the token is due; the timers that wait by now are ripe. */
    StressSession due() {
        ripe = List.copyOf(timers);
        now = Instant.ofEpochSecond(LIFETIME - 60);
        return this;
    }

    /** All timers that wait are ripe, at whatever time. */
    void ripen() {
        ripe = List.copyOf(timers);
    }

    /** Fires the timers that are ripe. */
    void fire() {
        for (AtomicReference<@Nullable Runnable> timer : ripe) {
            Runnable task = timer.getAndSet(null);
            if (task != null) {
                task.run();
            }
        }
    }

    /** Returns the number of waiting timers. */
    int waitingTimers() {
        return (int) timers.stream().filter(timer -> timer.get() != null).count();
    }

    @Override
    public Mono<Token> swap(AuthorizationCode code) {
        return Mono.error(new UnsupportedOperationException());
    }

    @Override
    public Mono<Token> refresh(RefreshToken presented) {
        return Mono.defer(() -> {
            requests.incrementAndGet();
            return response == null ? Mono.just(token(Integer.parseInt(presented.secret()) + 1)) : response.asMono();
        });
    }

    /** An attempt begins on the thread of the actor that caused it. */
    @Override
    public Disposable schedule(Runnable task) {
        task.run();
        return Disposables.disposed();
    }

    @Override
    public Disposable schedule(Runnable task, long delay, TimeUnit unit) {
        AtomicReference<@Nullable Runnable> timer = new AtomicReference<>(task);
        timers.add(timer);
        return () -> timer.set(null);
    }

    @Override
    public long now(TimeUnit unit) {
        return unit.convert(now.toEpochMilli(), TimeUnit.MILLISECONDS);
    }

    @Override
    public Worker createWorker() {
        throw new UnsupportedOperationException();
    }

    /** Returns the events in order, one letter each. */
    static String letters(Iterable<? extends SessionEvent> events, Function<SessionEvent, String> letter) {
        StringBuilder word = new StringBuilder();
        events.forEach(event -> word.append(letter.apply(event)));
        return word.toString();
    }
}
