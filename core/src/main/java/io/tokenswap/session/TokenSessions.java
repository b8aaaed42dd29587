package io.tokenswap.session;

import io.tokenswap.LoginRequiredException;
import io.tokenswap.SessionClosedException;
import io.tokenswap.Token;
import io.tokenswap.TokenEndpoint;
import io.tokenswap.TokenUnavailableException;
import io.tokenswap.session.SessionState.Status;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;
import reactor.core.publisher.BufferOverflowStrategy;
import reactor.core.publisher.Flux;
import reactor.core.publisher.FluxSink;
import reactor.core.publisher.Mono;
import reactor.util.context.Context;

/**
 * Sessions of many users in one process, backed by a {@link TokenStore}. A session is loaded when its user is asked for, at
 * most once at a time, and closed when the user has been idle for a while. Its token stays in the store.
 *
 * <pre>{@code
 * TokenSessions sessions = TokenSessions.builder(exchange).store(store).build();
 * HttpClient api = BearerAuthentication.apply(HttpClient.create().baseUrl("https://api.spotify.com"), sessions.current());
 *
 * api.get().uri("/v1/me").responseContent().aggregate().asString()
 *         .contextWrite(TokenSessions.withUser("user-17"));
 * }</pre>
 *
 * <p>Ask for the session each time that you need it. A session that was not asked for within the idle timeout is closed, at
 * most a minute later, unless it has a subscriber, a refresh in flight or a token that is not saved yet.
 *
 * <p>Safe for use by several threads. Every publisher is cold and acts on subscription only. A load or a sign-in that has begun
 * continues when its caller cancels.
 */
public final class TokenSessions implements Disposable {

    /** Key of the user in the Reactor {@code Context}: a {@code Mono<String>}. */
    private static final Object USER = TokenSessions.class.getName() + ".user";

    /** Longest time between two searches for idle sessions. */
    private static final Duration SWEEP_INTERVAL = Duration.ofMinutes(1);

    /** Time after its return during which a session is never evicted, because its caller is about to use it. */
    private static final Duration IN_USE = Duration.ofSeconds(10);

    private static final int EVENTS_OF_A_SLOW_SUBSCRIBER = 1_024;

    /** Number of sessions that are closed at a time. */
    private static final int CLOSED_AT_A_TIME = 256;

    private final SessionSettings settings;
    private final TokenStore store;
    private final int maximumSize;
    private final long idleTimeout;
    private final long began;
    private final ConcurrentMap<String, UserSlot> slots = new ConcurrentHashMap<>();
    private final List<FluxSink<UserEvent>> listeners = new CopyOnWriteArrayList<>();
    private final AtomicBoolean sweepIsScheduled = new AtomicBoolean();
    private final AtomicBoolean sweeping = new AtomicBoolean();
    private volatile boolean disposed;

    private TokenSessions(Builder options) {
        this.settings = options.session.settings();
        this.store = options.store;
        this.maximumSize = options.maximumSize;
        this.idleTimeout = options.idleTimeout.toMillis();
        this.began = settings.elapsed();
    }

    /**
     * Returns a builder.
     *
     * @param endpoint refreshes the tokens of all users
     * @return a new builder
     */
    public static Builder builder(TokenEndpoint endpoint) {
        return new Builder(endpoint);
    }

    /**
     * Returns a function for {@code contextWrite} that names the user for {@link #current()}.
     *
     * @param user the name of the user; a blank name means no user
     * @return the function
     */
    public static Function<Context, Context> withUser(String user) {
        return withUser(Mono.just(user));
    }

    /**
     * Returns a function for {@code contextWrite} that names the user for {@link #current()}.
     *
     * @param user emits the name of the user; a blank name, or none, means no user
     * @return the function
     */
    public static Function<Context, Context> withUser(Mono<String> user) {
        Objects.requireNonNull(user, "user");
        return context -> context.put(USER, user);
    }

    /**
     * Returns the session of a user, and loads it if necessary.
     *
     * @param user the name of the user, for example a random id from a cookie; a blank name means no user
     * @return the session. Fails with {@link LoginRequiredException} if nothing is stored for the user, with
     *     {@link TokenUnavailableException} if the store fails, and with {@link SessionClosedException} after disposal
     */
    public Mono<TokenSession> get(String user) {
        Objects.requireNonNull(user, "user");
        return UserSession.of(this, user);
    }

    /** Returns the open session of a user and notes its use; null if it must be loaded first. */
    @Nullable TokenSession use(String user) {
        UserSlot slot = slots.get(user);
        return slot == null ? null : slot.use();
    }

    /**
     * Returns the session of the user whom the Reactor {@code Context} of the subscriber names, see
     * {@link #withUser(String)}.
     *
     * @return the session, or the errors of {@link #get(String)}. Fails with {@link IllegalStateException} if the
     *     context names no user
     */
    public Mono<TokenSession> current() {
        return Mono.deferContextual(context -> {
            Mono<String> user = context.getOrDefault(USER, null);
            return user == null
                    ? Mono.error(new IllegalStateException(
                            "The Reactor context names no user. Add .contextWrite(TokenSessions.withUser(user))"))
                    : user.defaultIfEmpty("").flatMap(this::get);
        });
    }

    /**
     * Saves the token of a new login and returns the session of its user. A session that exists continues with the token.
     *
     * @param user the name of the user
     * @param token the token of the login
     * @return the session, when the token is saved. Fails with {@link IllegalArgumentException} if the name is blank, with
     *     {@link TokenUnavailableException} if the store fails, and with {@link SessionClosedException} after disposal
     */
    public Mono<TokenSession> signIn(String user, Token token) {
        Objects.requireNonNull(token, "token");
        if (user.isBlank()) {
            return Mono.error(
                    new IllegalArgumentException("The name of the user is blank: users must not share a token"));
        }
        return Mono.defer(() -> {
            if (disposed) {
                return Mono.error(new SessionClosedException());
            }
            UserSlot slot = slots.get(user);
            if (slot == null || slot.hasEnded()) {
                UserSlot opened = open(user, slot);
                return opened == null
                        ? signIn(user, token)
                        : opened.begin(afterClose(slot).then(opening(opened).start(token)));
            }
            TokenSession session = slot.use();
            return session == null
                    ? slot.settled().then(signIn(user, token))
                    : session.renew(token)
                            .thenReturn(session)
                            .onErrorResume(SessionClosedException.class, closed -> signIn(user, token));
        });
    }

    /**
     * Signs a user out: removes the stored token and closes the session. A stored record that is damaged, or whose key is
     * missing, is removed too.
     *
     * @param user the name of the user; for a blank name nothing happens
     * @return empty when the sign-out is stored, also if the user was not signed in. Fails with
     *     {@link TokenUnavailableException} if the store fails
     */
    public Mono<Void> signOut(String user) {
        return get(user)
                .flatMap(session -> session.signOut().doFinally(signal -> {
                    UserSlot slot = slots.get(user);
                    if (slot != null && slot.hasEnded()) {
                        slots.remove(user, slot);
                    }
                }))
                .onErrorResume(
                        TokenSessions::isUnreadable,
                        unreadable -> new SessionOpening(settings, recordStore(user)).signOut())
                .onErrorComplete(LoginRequiredException.class);
    }

    /** Returns true if a record is damaged, or its key is missing: nothing can be loaded, and a sign-out replaces it. */
    private static boolean isUnreadable(Throwable error) {
        return error.getCause() instanceof TokenStore.UnreadableRecordException;
    }

    /**
     * Emits the events of all sessions from the subscription on.
     *
     * <p>Hot, without replay. A subscriber that requests slowly loses the oldest events beyond 1,024.
     *
     * @return the events. Completes after disposal and never fails
     */
    public Flux<UserEvent> events() {
        return Flux.<UserEvent>create(
                        listener -> {
                            listeners.add(listener);
                            listener.onDispose(() -> listeners.remove(listener));
                            slots.values().forEach(UserSlot::listen);
                            if (disposed) {
                                listener.complete();
                            }
                        },
                        FluxSink.OverflowStrategy.IGNORE)
                .onBackpressureBuffer(EVENTS_OF_A_SLOW_SUBSCRIBER, dropped -> {}, BufferOverflowStrategy.DROP_OLDEST);
    }

    /**
     * Returns how many sessions are in memory, by status.
     *
     * @return the number for each status, zero included
     */
    public Map<Status, Integer> counts() {
        Map<Status, Integer> counts = new EnumMap<>(Status.class);
        for (Status status : Status.values()) {
            counts.put(status, 0);
        }
        for (UserSlot slot : slots.values()) {
            DefaultTokenSession session = slot.session();
            if (session != null) {
                counts.merge(session.state().status(), 1, Integer::sum);
            }
        }
        return counts;
    }

    /**
     * Returns for how many sessions in memory the user's consent ends soon.
     *
     * @param time the time from now, for example 7 days
     * @return the number of sessions whose grant the provider ends within the time, those that have ended included.
     *     Sessions whose end of the grant is not known do not count
     * @see SessionEvent.GrantExpiring
     */
    public int grantsEndingWithin(Duration time) {
        Instant latest = Instant.ofEpochMilli(settings.moment().wall()).plus(time);
        int number = 0;
        for (UserSlot slot : slots.values()) {
            DefaultTokenSession session = slot.session();
            Instant end = session == null ? null : session.state().grantExpiresAt();
            if (end != null && !end.isAfter(latest)) {
                number++;
            }
        }
        return number;
    }

    /** Closes all sessions without waiting. {@link #disposeLater()} waits. */
    @Override
    public void dispose() {
        disposed = true;
        for (UserSlot slot : slots.values()) {
            DefaultTokenSession session = slot.session();
            if (session != null) {
                session.dispose();
            }
        }
        listeners.forEach(FluxSink::complete);
    }

    @Override
    public boolean isDisposed() {
        return disposed;
    }

    /**
     * Closes all sessions and waits for what is in flight and unsaved.
     *
     * @return empty when all sessions are closed and their tokens saved. Fails as {@link TokenSession#disposeLater()}
     *     does, after all sessions have been tried
     */
    public Mono<Void> disposeLater() {
        return Mono.defer(() -> {
            dispose();
            return Flux.fromIterable(new ArrayList<>(slots.values()))
                    .flatMapDelayError(UserSlot::disposeLater, CLOSED_AT_A_TIME, 1)
                    .then();
        });
    }

    // ---- loading

    Mono<TokenSession> load(String user) {
        if (disposed) {
            return Mono.error(new SessionClosedException());
        }
        if (user.isBlank()) {
            return Mono.error(loginRequired());
        }
        UserSlot slot = slots.get(user);
        if (slot == null || slot.hasEnded()) {
            UserSlot opened = open(user, slot);
            return opened == null
                    ? get(user)
                    : opened.begin(afterClose(slot)
                            .then(opening(opened).restore())
                            .switchIfEmpty(Mono.error(TokenSessions::loginRequired)));
        }
        TokenSession session = slot.use();
        return session == null ? slot.opened(this, user) : Mono.just(session);
    }

    /** Puts a slot in place; returns null if another thread was first. */
    private @Nullable UserSlot open(String user, @Nullable UserSlot over) {
        UserSlot slot = new UserSlot(this, user);
        boolean first = over == null ? slots.putIfAbsent(user, slot) == null : slots.replace(user, over, slot);
        return first ? slot : null;
    }

    /**
     * Completes when the session that the application has disposed of has saved its token, so that a user has one
     * session at a time.
     */
    private static Mono<Void> afterClose(@Nullable UserSlot over) {
        DefaultTokenSession closing = over == null ? null : over.session();
        return closing == null ? Mono.empty() : closing.disposeLater().onErrorComplete();
    }

    private SessionOpening opening(UserSlot slot) {
        return new SessionOpening(settings, slot.records(), slot);
    }

    private static LoginRequiredException loginRequired() {
        return new LoginRequiredException("No token is stored for this user. Sign in.", null);
    }

    SessionSettings settings() {
        return settings;
    }

    RecordStore recordStore(String user) {
        return new RecordStore(store, user, settings);
    }

    /** Returns the seconds since these sessions were made, by the monotonic clock. */
    int seconds() {
        return (int) ((settings.elapsed() - began) / 1_000);
    }

    boolean hasListeners() {
        return !listeners.isEmpty();
    }

    void publish(UserEvent event) {
        for (FluxSink<UserEvent> listener : listeners) {
            SafeCall.run(() -> listener.next(event), listener.contextView());
        }
    }

    void remove(String user, UserSlot slot) {
        slots.remove(user, slot);
    }

    /** A session was opened. */
    void opened() {
        scheduleSweep();
        if (slots.size() > maximumSize) {
            sweep();
        }
    }

    // ---- eviction

    private void scheduleSweep() {
        if (slots.isEmpty() || !sweepIsScheduled.compareAndSet(false, true)) {
            return;
        }
        long delay = Math.min(Math.max(idleTimeout / 2, 1), SWEEP_INTERVAL.toMillis());
        try {
            settings.timer()
                    .schedule(
                            () -> {
                                sweepIsScheduled.set(false);
                                sweep();
                                scheduleSweep();
                            },
                            delay,
                            settings.elapsed());
        } catch (RejectedExecutionException shutDown) {
            sweepIsScheduled.set(false); // the next session that is opened tries again
        }
    }

    /** A session that may be closed. The time is noted once: it may change while the list is sorted. */
    private record Candidate(UserSlot slot, int lastUse) {}

    /** Closes sessions whose users are idle, and over the maximum size those that have been idle for longest. */
    private void sweep() {
        if (!sweeping.compareAndSet(false, true)) {
            return;
        }
        try {
            int now = seconds();
            List<Candidate> candidates = new ArrayList<>();
            for (UserSlot slot : slots.values()) {
                int lastUse = slot.lastUse(now);
                long idle = (now - lastUse) * 1_000L;
                if (slot.hasEnded()) {
                    slots.remove(slot.user, slot);
                } else if (idle >= idleTimeout) {
                    slot.evict(lastUse);
                } else if (idle >= IN_USE.toMillis()) {
                    candidates.add(new Candidate(slot, lastUse));
                }
            }
            int excess = slots.size() - maximumSize;
            if (excess > 0) {
                candidates.sort(Comparator.comparingInt(Candidate::lastUse));
                // A little more than necessary, so that not every new session begins a sweep.
                int wanted = excess + maximumSize / 16;
                for (Candidate candidate : candidates) {
                    if (wanted <= 0) {
                        return;
                    }
                    wanted -= candidate.slot.evict(candidate.lastUse) ? 1 : 0;
                }
            }
        } finally {
            sweeping.set(false);
        }
    }

    /**
     * Event of one user's session.
     *
     * @param user the name of the user
     * @param event the event
     */
    public record UserEvent(String user, SessionEvent event) {}

    /** Collects the options of {@link TokenSessions}. Not safe for use by several threads. */
    public static final class Builder {

        private TokenSession.Builder session;
        private TokenStore store = TokenStore.inMemory();
        private int maximumSize = 10_000;
        private Duration idleTimeout = Duration.ofMinutes(30);

        private Builder(TokenEndpoint endpoint) {
            this.session = TokenSession.builder(endpoint);
        }

        /**
         * Sets the store that holds the tokens of all users.
         *
         * @param store a store in memory by default, which is lost with the process
         * @return this builder
         */
        public Builder store(TokenStore store) {
            this.store = Objects.requireNonNull(store, "store");
            return this;
        }

        /**
         * Sets when to refresh and how to retry.
         *
         * @param policy {@link RefreshPolicy#defaults()} by default
         * @return this builder
         */
        public Builder policy(RefreshPolicy policy) {
            session.policy(policy);
            return this;
        }

        /**
         * Sets the number of sessions over which those that have been idle for longest are closed. A session with a
         * subscriber, a refresh in flight or an unsaved token is kept, and so is one that was asked for within the last
         * 10 seconds.
         *
         * @param maximumSize at least 1, 10,000 by default
         * @return this builder
         * @throws IllegalArgumentException if the number is less than 1
         */
        public Builder maximumSize(int maximumSize) {
            if (maximumSize < 1) {
                throw new IllegalArgumentException("maximumSize must be at least 1, but is " + maximumSize);
            }
            this.maximumSize = maximumSize;
            return this;
        }

        /**
         * Sets the time after which a session that was not asked for is closed.
         *
         * @param idleTimeout longer than zero, 30 minutes by default
         * @return this builder
         * @throws IllegalArgumentException if the time is not longer than zero
         */
        public Builder idleTimeout(Duration idleTimeout) {
            if (idleTimeout.isNegative() || idleTimeout.isZero()) {
                throw new IllegalArgumentException("idleTimeout must be longer than zero, but is " + idleTimeout);
            }
            this.idleTimeout = idleTimeout;
            return this;
        }

        /**
         * Changes the options that all sessions have, for example the clock of a test. A store that is set there is ignored.
         *
         * @param change sets options of the builder that it gets, and returns the builder
         * @return this builder
         */
        public Builder session(UnaryOperator<TokenSession.Builder> change) {
            session = Objects.requireNonNull(change.apply(session), "session");
            return this;
        }

        /**
         * Completes the options.
         *
         * @return sessions of the options given so far, none loaded
         */
        public TokenSessions build() {
            return new TokenSessions(this);
        }
    }
}
