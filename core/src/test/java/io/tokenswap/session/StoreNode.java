package io.tokenswap.session;

import static io.tokenswap.session.StoreHistory.USERS;
import static io.tokenswap.session.StoreHistory.WRITES_FAIL;

import io.tokenswap.OAuthErrorException;
import io.tokenswap.Token;
import io.tokenswap.session.Cluster.Node;
import io.tokenswap.session.StoreHistory.Received;
import io.tokenswap.session.StoreHistory.Trouble;
import io.tokenswap.session.StoreRun.Mode;
import io.tokenswap.session.TokenStore.State;
import io.tokenswap.testing.ReferenceStore;
import io.tokenswap.testing.RotatingProvider.Presentation;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;

/** The place of a node, which may be restarted, with the sessions of its users and what they are asked to do. */
final class StoreNode {

    static final Duration CALLER_LIMIT = Cluster.LEASE.plus(Cluster.DEADLINE).plusSeconds(5);
    private static final Duration STORE_LIMIT = Duration.ofSeconds(11);

    /** Adds each operation of the store to the story. */
    private static final boolean TRACE = Boolean.getBoolean("trace");

    private final StoreHistory history;
    private final StoreRules rules;
    private final Mode mode;
    private final Random random;
    private final boolean rotates;
    private final int widestSkew;
    private final Cluster cluster;
    private final List<Node> nodes;
    private final Map<String, StoreNode> slotOf;
    private final Map<String, Token> tokenOf;
    private final List<Command> commands;
    private final List<Wait> waits;
    private final List<Received> received;
    private final Map<String, Instant> demanded;
    private final String letter;
    private final Duration skew;
    final Map<String, Member> members = new HashMap<>();
    private final Set<String> crashed = new HashSet<>();
    private final List<Trouble> pauses = new ArrayList<>();
    private int incarnation;
    Node node;
    private Instant downUntil = Instant.MIN;
    private boolean down;

    StoreNode(StoreHistory history, StoreRules rules, String letter) {
        this.history = history;
        this.rules = rules;
        this.mode = history.mode;
        this.random = history.random;
        this.rotates = history.rotates;
        this.widestSkew = history.widestSkew;
        this.cluster = history.cluster;
        this.nodes = history.nodes;
        this.slotOf = history.slotOf;
        this.tokenOf = history.tokenOf;
        this.commands = history.commands;
        this.waits = history.waits;
        this.received = history.received;
        this.demanded = history.demanded;
        this.letter = letter;
        this.skew =
                widestSkew == 0 ? Duration.ZERO : Duration.ofMillis(random.nextInt(2 * widestSkew) - (long) widestSkew);
        this.node = boot();
    }

    private Node boot() {
        Node booted = cluster.node(letter + ++incarnation, skew);
        slotOf.put(booted.name, this);
        nodes.add(booted);
        booted.store.seen = record -> {
            Token token = record.token();
            if (token != null) {
                rules.note(cluster.provider.user(token), record);
            } else if (record.state() == State.DEAD) {
                rules.checkDead(record);
            }
        };
        booted.received = token -> received.add(new Received(booted, token, cluster.clock.instant()));
        if (TRACE) {
            booted.store.awaits = point -> cluster.log(booted + " " + point);
        }
        down = false;
        return booted;
    }

    boolean isGone(Node other) {
        return isGone(other.name);
    }

    boolean isGone(String name) {
        return crashed.contains(name);
    }

    boolean wasPausedSince(Instant time) {
        return pauses.stream().anyMatch(p -> !p.end().isBefore(time));
    }

    Duration pausedSince(Instant time) {
        Duration sum = Duration.ZERO;
        for (Trouble pause : pauses) {
            if (!pause.end().isBefore(time)) {
                sum = sum.plus(Duration.between(pause.start(), pause.end()));
            }
        }
        return sum;
    }

    boolean isRunning() {
        if (down && mode == Mode.CHAOS && !cluster.clock.instant().isBefore(downUntil)) {
            restart();
        }
        return !down && node.scheduler.isRunning();
    }

    void restart() {
        node = boot();
        cluster.log(node + " starts");
        USERS.forEach(user -> {
            restore(user);
            if (mode == Mode.SINGLE_FAULT) {
                toggleSubscriber(user);
            }
        });
    }

    @Nullable Member running(String user) {
        return isRunning() ? members.get(user) : null;
    }

    /** Returns true if a session with a subscriber hands out the token of a record. */
    boolean uses(String user, TokenStore.@Nullable Record record) {
        Member member = running(user);
        Token token = record == null ? null : record.token();
        return member != null
                && member.subscriber != null
                && member.latest != null
                && token != null
                && token.accessToken().equals(member.latest.accessToken());
    }

    void call(String user) {
        Member member = running(user);
        if (member != null) {
            watch(member, "token() of " + user, member.session.token());
        }
    }

    private void watch(Member member, String what, Mono<Token> asked) {
        cluster.log(node + " calls " + what);
        Token before = member.latest;
        Wait wait = new Wait(what, CALLER_LIMIT);
        asked.subscribe(
                token -> {
                    wait.done = true;
                    rules.emitted(member, before, token);
                },
                error -> wait.done = true);
    }

    void demand(String user) {
        Member member = running(user);
        if (member != null) {
            demanded.put(node.name + user, cluster.clock.instant());
            watch(member, "refresh() of " + user, member.session.refresh());
        }
    }

    void invalidate(String user) {
        Member member = running(user);
        if (member != null && member.latest != null) {
            cluster.log(node + ": 401 for " + cluster.name(member.latest));
            demanded.put(node.name + user, cluster.clock.instant());
            member.refused = member.latest;
            member.session.invalidate(member.latest);
        }
    }

    void toggleSubscriber(String user) {
        Member member = running(user);
        if (member == null) {
            return;
        }
        if (member.subscriber == null) {
            cluster.log(node + " subscribes to " + user);
            member.subscriber = member.session
                    .tokensUntilClosed()
                    .subscribe(token -> rules.emitted(member, member.latest, token), error -> {});
        } else {
            cluster.log(node + " unsubscribes from " + user);
            member.subscriber.dispose();
            member.subscriber = null;
        }
    }

    void unsubscribe(String user) {
        Member member = members.get(user);
        if (member != null && member.subscriber != null) {
            toggleSubscriber(user);
        }
    }

    void signIn(String user) {
        if (!isRunning()) {
            return;
        }
        Token token = cluster.provider.signIn(user, node.clock);
        tokenOf.put(token.refreshToken().secret(), token);
        Command command = new Command(user, cluster.provider.login(token));
        commands.add(command);
        cluster.log(node + ": " + user + " signs in: " + cluster.name(token));
        Wait wait = new Wait("login of " + user, STORE_LIMIT);
        Member member = members.get(user);
        Node at = node;
        if (member != null) {
            member.session
                    .renew(token)
                    .subscribe(
                            nothing -> {},
                            error -> {
                                wait.done = true;
                                cluster.log(at + ": login failed: " + error);
                            },
                            () -> {
                                wait.done = true;
                                command.done = true;
                            });
        } else {
            at.builder(user)
                    .start(token)
                    .subscribe(
                            session -> {
                                wait.done = true;
                                command.done = true;
                                joined(at, user, session);
                            },
                            error -> {
                                wait.done = true;
                                cluster.log(at + ": login failed: " + error);
                            });
        }
        cluster.advance(Duration.ZERO);
    }

    private void joined(Node at, String user, TokenSession session) {
        if (at == node && !down && !members.containsKey(user)) {
            members.put(user, new Member(user, session));
        } else {
            session.dispose();
        }
    }

    void restore(String user) {
        if (!isRunning() || members.containsKey(user)) {
            return;
        }
        cluster.log(node + " restores " + user);
        Wait wait = new Wait("restore of " + user, STORE_LIMIT);
        Node at = node;
        at.builder(user)
                .restore()
                .subscribe(
                        session -> {
                            wait.done = true;
                            joined(at, user, session);
                        },
                        error -> wait.done = true,
                        () -> wait.done = true);
        cluster.advance(Duration.ZERO);
    }

    void signOut(String user) {
        Member member = running(user);
        if (member == null) {
            return;
        }
        cluster.log(node + ": " + user + " signs out");
        Command command = new Command(user, 0);
        commands.add(command);
        members.remove(user);
        Wait wait = new Wait("sign-out of " + user, STORE_LIMIT);
        member.session.signOut().subscribe(nothing -> {}, error -> wait.done = true, () -> {
            wait.done = true;
            command.done = true;
        });
        cluster.advance(Duration.ZERO);
    }

    void disposeLater(String user) {
        Member member = running(user);
        if (member == null) {
            return;
        }
        cluster.log(node + " disposes of the session of " + user);
        members.remove(user);
        // A refresh that is under way is waited for, and then its save.
        Wait wait = new Wait(
                "disposal of " + user, Cluster.DEADLINE.plus(STORE_LIMIT).plus(STORE_LIMIT));
        Node at = node;
        member.session
                .disposeLater()
                .subscribe(
                        nothing -> {},
                        error -> {
                            wait.done = true;
                            history.trouble("unsaved at disposal", at.name, Duration.ZERO);
                        },
                        () -> {
                            wait.done = true;
                            disposed(member, at);
                        });
        cluster.advance(Duration.ZERO);
    }

    /** A program may end when its disposal has completed: what it has obtained is saved. */
    private void disposed(Member member, Node at) {
        TokenStore.Record record = cluster.record(member.user);
        Token token = record == null ? null : record.token();
        if (mode == Mode.LOSSY || !rotates || token == null || token.refreshToken() == null) {
            return;
        }
        for (Presentation p : history.presentations(token.refreshToken().secret())) {
            if (p.node().equals(at.name)
                    && !p.at().isBefore(member.began)
                    && p.granted() != null
                    && p.respondedAt() != null
                    && p.fault().equals("none")) {
                history.violate(
                        member + " is disposed, and the store has what it has consumed: " + cluster.name(token));
            }
        }
    }

    void crash(Duration time) {
        if (down) {
            return;
        }
        history.trouble("crash", node.name, Duration.ZERO);
        node.scheduler.crash();
        node.connection.losesChanges(true);
        crashed.add(node.name);
        members.clear();
        down = true;
        downUntil = cluster.clock.instant().plus(time);
        if (mode == Mode.SINGLE_FAULT) {
            cluster.clock.scheduler().schedule(this::restart, time.toMillis(), TimeUnit.MILLISECONDS);
        }
    }

    void pause(Duration time) {
        if (down || !node.scheduler.isRunning()) {
            return;
        }
        pauses.add(history.trouble("pause", node.name, time));
        Node paused = node;
        paused.scheduler.pause();
        cluster.clock.scheduler().schedule(paused.scheduler::resume, time.toMillis(), TimeUnit.MILLISECONDS);
    }

    /** The node reaches the store, which takes none of its writes. */
    void failWrites(Duration time) {
        history.trouble(WRITES_FAIL, node.name, time);
        ReferenceStore.Fault fault = random.nextBoolean()
                ? ReferenceStore.Fault.fails()
                : ReferenceStore.Fault.failsWith(() -> new OAuthErrorException("invalid_grant", "the store's", 400));
        node.connection.faults(
                (operation, key) -> operation == ReferenceStore.Operation.PUT ? fault : ReferenceStore.Fault.none());
        reconnectAfter(time);
    }

    void cut(ReferenceStore.Fault fault, Duration time) {
        history.trouble("store fault", node.name, time);
        cutOff(fault, time);
    }

    /** The same as a part of an outage of all nodes. */
    void cutOff(ReferenceStore.Fault fault, Duration time) {
        node.connection.fault(fault);
        node.connection.losesChanges(true);
        reconnectAfter(time);
    }

    private void reconnectAfter(Duration time) {
        Node cut = node;
        cluster.clock
                .scheduler()
                .schedule(
                        () -> {
                            if (cut == node) {
                                cut.connection.reconnect();
                            }
                        },
                        time.toMillis(),
                        TimeUnit.MILLISECONDS);
    }

    void heal() {
        if (down) {
            restart();
        }
        node.connection.reconnect();
        node.scheduler.resume();
    }

    /** A login, or a sign-out, whose login is 0. */
    final class Command {

        final StoreNode slot;
        final String user;
        final int login;
        final @Nullable Member member;
        final Instant at = cluster.clock.instant();
        boolean done;

        Command(String user, int login) {
            this.member = members.get(user);
            this.slot = StoreNode.this;
            this.user = user;
            this.login = login;
        }

        @Override
        public String toString() {
            return (login == 0 ? "sign-out" : "login " + login) + (done ? "" : "?") + " at " + at;
        }
    }

    /** Something that was asked of the node and must have an outcome in time. */
    final class Wait {

        final String what;
        final StoreNode slot;
        final Node node;
        final Instant begun = cluster.clock.instant();
        final Duration limit;
        boolean done;

        Wait(String what, Duration limit) {
            this.what = StoreNode.this.node.name + ": " + what;
            this.slot = StoreNode.this;
            this.node = StoreNode.this.node;
            this.limit = limit;
            waits.add(this);
        }

        /**
         * A node that waited for another one in vain presents the token itself, and looks for a successor if that is
         * refused. Each takes as long as a request may take.
         */
        Instant limit() {
            boolean presented = cluster.provider.presentations().stream()
                    .anyMatch(p -> p.node().equals(node.name) && p.at().isAfter(begun));
            return begun.plus(limit)
                    .plus(pausedSince(begun))
                    .plus(presented ? Cluster.DEADLINE.multipliedBy(2) : Duration.ZERO);
        }
    }

    /** A session of a user at this node. */
    final class Member {

        final StoreNode slot;
        final Node node;
        final String user;
        final TokenSession session;

        @Nullable Disposable subscriber;

        @Nullable Token latest;

        @Nullable Token refused;

        final Instant began = cluster.clock.instant();

        Member(String user, TokenSession session) {
            this.slot = StoreNode.this;
            this.node = StoreNode.this.node;
            this.user = user;
            this.session = session;
        }

        @Override
        public String toString() {
            return node + "'s session of " + user;
        }
    }
}
