package io.tokenswap.session;

import io.tokenswap.LoginRequiredException;
import io.tokenswap.OAuthErrorException;
import io.tokenswap.RefreshToken;
import io.tokenswap.Token;
import io.tokenswap.session.Cluster.Node;
import io.tokenswap.session.TokenStore.State;
import io.tokenswap.testing.ReferenceStore;
import io.tokenswap.testing.RotatingProvider;
import io.tokenswap.testing.RotatingProvider.Presentation;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;

/**
 * One random run of two or three nodes with two users on one store. Random things happen to the nodes, the store and
 * the provider. The guarantees of the store's protocol are checked at each step, and after all faults have ended. A
 * seed determines the run.
 */
final class StoreRun {

    /** What may happen in a run. */
    enum Mode {
        /** Callers, subscribers, logins and sign-outs, and no fault. */
        QUIET,
        /** Exactly one fault, and all nodes have subscribers. */
        SINGLE_FAULT,
        /** Any number of faults; the store loses nothing. */
        CHAOS,
        /** Any number of faults; the store loses writes and leases. */
        LOSSY
    }

    private static final Duration CALM = Duration.ofSeconds(10);
    private static final Duration MARGIN = Duration.ofSeconds(3);
    private static final Duration CALLER_LIMIT =
            Cluster.LEASE.plus(Cluster.DEADLINE).plusSeconds(5);
    private static final Duration STORE_LIMIT = Duration.ofSeconds(11);

    /** The error of the store's clock about a login: as long as a request to it may take. */
    private static final Duration SAME_TIME = RecordStore.LIMIT.plusSeconds(1);

    /** Adds each operation of the store to the story. */
    private static final boolean TRACE = Boolean.getBoolean("trace");

    private static final String WRITES_FAIL = "writes fail";
    private static final String THROTTLED = "throttled for ";
    private static final List<String> USERS = List.of("alice", "bob");

    private final long seed;
    private final Random random;
    private final Mode mode;
    private final Cluster cluster = new Cluster();
    private final Duration grace;
    private final boolean rotates;
    private final Duration lifetime;

    /** How far the clock of a node may be from the store's, in milliseconds. */
    private final int widestSkew;

    private final List<Slot> slots = new ArrayList<>();
    private final List<Node> nodes = new ArrayList<>();
    private final Map<String, Slot> slotOf = new HashMap<>();
    private final Map<String, Token> tokenOf = new HashMap<>();
    private final Map<String, Set<String>> saved = new HashMap<>();
    private final List<Trouble> troubles = new ArrayList<>();
    private final List<Command> commands = new ArrayList<>();
    private final List<Wait> waits = new ArrayList<>();
    private final List<Received> received = new ArrayList<>();
    private final Map<TokenStore.Version, String> refreshTokens = new HashMap<>();

    /** Users of a provider that does not rotate, whose token was refreshed without a lease and so without a place in an order. */
    private final Set<String> presentedAlone = new HashSet<>();

    private final Map<String, Instant> demanded = new HashMap<>();
    private final Map<String, TokenStore.Version> greatest = new TreeMap<>();
    private @Nullable String violation;
    private boolean singleFaultSpent;
    private Function<Presentation, RotatingProvider.@Nullable Fault> nextFault = presentation -> null;

    StoreRun(long seed) {
        this(seed, mode(seed));
    }

    StoreRun(long seed, Mode mode) {
        this.seed = seed;
        this.mode = mode;
        this.random = new Random(seed * 7_919 + 17);
        this.grace = random.nextBoolean() ? Duration.ZERO : Duration.ofSeconds(30);
        this.rotates = mode == Mode.SINGLE_FAULT || random.nextInt(8) > 0;
        this.lifetime = List.of(Duration.ofMinutes(5), Duration.ofMinutes(10), Duration.ofHours(1))
                .get(random.nextInt(3));
        cluster.grace(grace);
        cluster.provider.lifetime(lifetime);
        if (!rotates) {
            cluster.provider.keepsRefreshTokens();
            cluster.engine.rotates(random.nextBoolean() ? TokenStore.Rotates.NO : TokenStore.Rotates.LEARN);
        } else {
            cluster.engine.rotates(random.nextBoolean() ? TokenStore.Rotates.YES : TokenStore.Rotates.LEARN);
        }
        if (random.nextBoolean()) {
            cluster.provider.repeatsSuccessor();
        }
        if (random.nextInt(3) == 0) {
            cluster.provider.toleratesReuse();
        }
        this.widestSkew = mode == Mode.SINGLE_FAULT || random.nextInt(3) > 0 ? 0 : 45_000;
        cluster.random = random::nextDouble;
        cluster.ids = Cluster.ids(new Random(seed));
        cluster.presenter = this::presents;
        cluster.provider.faults(this::providerFault);
        int nodes = 2 + random.nextInt(2);
        for (int i = 0; i < nodes; i++) {
            slots.add(new Slot(String.valueOf((char) ('a' + i))));
        }
    }

    private static Mode mode(long seed) {
        int kind = Math.floorMod(seed, 10);
        return kind == 0 ? Mode.QUIET : kind < 5 ? Mode.SINGLE_FAULT : kind < 9 ? Mode.CHAOS : Mode.LOSSY;
    }

    /** Runs, and returns what was violated with the whole story, or null. */
    @Nullable String run() {
        try {
            cluster.log("seed " + seed + " " + mode + ", grace " + grace + ", lifetime " + lifetime + ", "
                    + (rotates ? "rotates" : "does not rotate") + ", " + slots.size() + " nodes");
            begin();
            int steps = mode == Mode.SINGLE_FAULT ? 40 : 80;
            for (int step = 0; step < steps && violation == null; step++) {
                act();
                checkStep();
            }
            if (violation == null) {
                settle();
            }
        } catch (RuntimeException | Error thrown) {
            violate(thrown);
        }
        return violation == null ? null : "seed " + seed + ": " + violation + "\n" + String.join("\n", cluster.story);
    }

    // ---- what happens

    private void begin() {
        for (String user : USERS) {
            slots.get(0).signIn(user);
        }
        for (Slot slot : slots) {
            for (String user : USERS) {
                slot.restore(user);
                if (mode == Mode.SINGLE_FAULT) {
                    slot.toggleSubscriber(user);
                }
            }
        }
    }

    private void act() {
        Slot slot = slots.get(random.nextInt(slots.size()));
        String user = USERS.get(random.nextInt(USERS.size()));
        int dice = random.nextInt(100);
        if (dice < 45) {
            pass();
        } else if (dice < 58) {
            slot.call(user);
        } else if (mode == Mode.SINGLE_FAULT) {
            if (dice < 62) {
                slot.demand(user);
            } else if (!singleFaultSpent && dice < 72) {
                singleFaultSpent = true;
                beforeNextRefresh();
                fault(holderOr(slot));
            }
        } else if (dice < 61) {
            slot.demand(user);
        } else if (dice < 64) {
            slot.invalidate(user);
        } else if (dice < 70) {
            slot.toggleSubscriber(user);
        } else if (dice < 73) {
            slot.signIn(user);
            if (random.nextInt(3) == 0) { // again within a millisecond
                slot.signIn(user);
            }
        } else if (dice < 75) {
            slot.signOut(user);
        } else if (dice < 77) {
            slot.disposeLater(user);
        } else if (dice < 81) {
            slot.restore(user);
        } else if (mode != Mode.QUIET) {
            if (mode == Mode.LOSSY && dice < 87) {
                lose(user);
            } else if (dice > 97) {
                strike(slot);
            } else if (dice > 95) {
                contest(slot, user);
            } else if (dice > 94) {
                overtake(slot, user);
            } else {
                fault(slot);
            }
        }
    }

    private void pass() {
        int kind = random.nextInt(10);
        Duration time = kind < 4
                ? Duration.ofMillis(random.nextInt(2_000))
                : kind < 7
                        ? Duration.ofMillis(random.nextInt(40_000))
                        : Duration.ofMillis(random.nextInt((int) lifetime.toMillis() / 4));
        cluster.log("pass " + time);
        cluster.advance(time);
    }

    /** Lets time pass until a refresh is near or has begun, so that most faults strike one. */
    private void beforeNextRefresh() {
        TokenStore.Record record = cluster.record(USERS.get(random.nextInt(USERS.size())));
        Token token = record == null ? null : record.token();
        if (token != null) {
            Duration left = Duration.between(cluster.clock.instant(), cluster.policy.refreshAt(token, 0));
            Duration time = left.plusMillis(random.nextInt(3_000) - 1_500);
            if (!time.isNegative()) {
                cluster.advance(time);
            }
        }
        cluster.advance(Duration.ofMillis(random.nextInt(600)));
    }

    /** The node that is refreshing now, or the given one. */
    private Slot holderOr(Slot slot) {
        List<Presentation> all = cluster.provider.presentations();
        Presentation last = all.isEmpty() ? null : all.get(all.size() - 1);
        boolean refreshing = last != null
                && last.respondedAt() == null
                && last.at().plusSeconds(2).isAfter(cluster.clock.instant());
        return refreshing ? slotOf.get(last.node()) : slot;
    }

    /** Strikes a node that is refreshing, and lets the others ask some time later. */
    private void strike(Slot slot) {
        slots.forEach(each -> USERS.forEach(each::restore));
        beforeNextRefresh();
        USERS.forEach(slot::call);
        Slot holder = holderOr(slot);
        switch (random.nextInt(4)) {
            case 0 -> holder.crash(Duration.ofMillis(random.nextInt(120_000)));
            case 1 -> holder.failWrites(Duration.ofMillis(random.nextInt(60_000)));
            case 2 -> holder.pause(Duration.ofMillis(random.nextInt(120_000)));
            default -> holder.cut(storeFault(), Duration.ofMillis(random.nextInt(120_000)));
        }
        for (int i = random.nextInt(4); i >= 0; i--) {
            cluster.advance(Duration.ofMillis(random.nextInt(30_000)));
            slots.forEach(each -> USERS.forEach(each::call));
        }
    }

    /** The request of a node that is paused reaches the provider after that of the node that takes over. */
    private void overtake(Slot slot, String user) {
        slots.forEach(each -> each.restore(user));
        Duration late = Duration.ofMillis(20_500 + random.nextInt(4_000));
        boolean[] spent = {false};
        nextFault = presentation -> {
            if (spent[0]) {
                return null;
            }
            spent[0] = true;
            slotOf.get(presentation.node()).pause(late.plusMillis(random.nextInt(4_000)));
            return RotatingProvider.Fault.none().slow(late, Duration.ZERO);
        };
        trouble("overtaken after " + late.toMillis() + " ms", null, Duration.ZERO);
        slot.demand(user);
        cluster.advance(Duration.ofMillis(random.nextInt(1_000)));
        slots.forEach(each -> each.demand(user));
        cluster.advance(Duration.ofMillis(25_000 + random.nextInt(10_000)));
        nextFault = presentation -> null;
    }

    /** The user signs in at a node that cannot save it, and signs in or out at another one meanwhile. */
    private void contest(Slot slot, String user) {
        slots.forEach(each -> each.restore(user));
        slot.cut(ReferenceStore.Fault.fails(), Duration.ofSeconds(20 + random.nextInt(40)));
        slot.signIn(user);
        cluster.advance(Duration.ofSeconds(13 + random.nextInt(10)));
        Slot other = slots.get((slots.indexOf(slot) + 1) % slots.size());
        if (random.nextBoolean()) {
            other.signIn(user);
        } else {
            other.signOut(user);
        }
        cluster.advance(Duration.ofSeconds(random.nextInt(60)));
    }

    private void fault(Slot slot) {
        Duration time = Duration.ofMillis(random.nextInt(4) == 0 ? random.nextInt(180_000) : random.nextInt(40_000));
        switch (random.nextInt(9)) {
            case 0, 1 -> slot.crash(Duration.ofMillis(random.nextInt(60_000)));
            case 2, 3 -> slot.pause(time);
            case 4 -> {
                if (random.nextInt(3) == 0) {
                    slot.failWrites(time);
                } else {
                    slot.cut(storeFault(), time);
                }
            }
            case 5 -> {
                if (random.nextInt(3) == 0) {
                    freeze(time);
                } else {
                    ReferenceStore.Fault fault = storeFault();
                    Trouble outage = trouble("outage", null, time);
                    slots.forEach(each -> each.cut(fault, time, outage));
                }
            }
            default -> providerFault();
        }
    }

    private ReferenceStore.Fault storeFault() {
        return switch (random.nextInt(mode == Mode.SINGLE_FAULT ? 3 : 8)) {
            case 0 -> ReferenceStore.Fault.fails();
            case 1 -> ReferenceStore.Fault.neverResponds();
            case 2 -> ReferenceStore.Fault.losesResponse();
            case 3 -> ReferenceStore.Fault.failsAfterwards();
            case 4 -> ReferenceStore.Fault.throwsException();
            case 5 ->
                ReferenceStore.Fault.failsWith(
                        () -> new LoginRequiredException("a store's error of a type of the library", null));
            case 6 -> ReferenceStore.Fault.late(Duration.ofMillis(random.nextInt(5_000)));
            default -> ReferenceStore.Fault.lateResponse(Duration.ofMillis(random.nextInt(5_000)));
        };
    }

    private void freeze(Duration time) {
        trouble("frozen store", null, time);
        cluster.engine.freeze();
        cluster.clock.scheduler().schedule(cluster.engine::thaw, time.toMillis(), TimeUnit.MILLISECONDS);
    }

    private void providerFault() {
        Duration slow =
                Duration.ofMillis(random.nextInt(8) == 0 ? 3_000 + random.nextInt(11_000) : random.nextInt(600));
        RotatingProvider.Fault fault = switch (random.nextInt(mode == Mode.SINGLE_FAULT ? 6 : 8)) {
            case 0 -> RotatingProvider.Fault.losesResponse();
            case 1 -> RotatingProvider.Fault.losesRequest();
            case 2 -> RotatingProvider.Fault.losesResponseSilently();
            case 3 -> RotatingProvider.Fault.losesRequestSilently();
            case 4 -> RotatingProvider.Fault.failsAfterwards();
            case 5 -> RotatingProvider.Fault.failsBefore();
            case 6 -> RotatingProvider.Fault.notSent();
            default -> RotatingProvider.Fault.throttles(Duration.ofSeconds(random.nextInt(90)));
        };
        cluster.log("the next refresh: " + fault);
        boolean[] spent = {false};
        nextFault = presentation -> {
            if (spent[0]) {
                return null;
            }
            spent[0] = true;
            trouble(fault.toString(), presentation.node(), Duration.ZERO);
            return mode == Mode.SINGLE_FAULT ? fault : fault.slow(slow, Duration.ofMillis(random.nextInt(600)));
        };
    }

    private RotatingProvider.Fault providerFault(Presentation presentation) {
        RotatingProvider.Fault fault = nextFault.apply(presentation);
        RotatingProvider.Fault next = fault != null
                ? fault
                : RotatingProvider.Fault.none()
                        .slow(Duration.ofMillis(random.nextInt(300)), Duration.ofMillis(random.nextInt(300)));
        cluster.log(presentation.node() + " presents " + presentation.refreshToken() + ": " + next);
        return next;
    }

    private void lose(String user) {
        switch (random.nextInt(3)) {
            case 0 -> failOver(1 + random.nextInt(8));
            case 1 -> {
                trouble("lost leases", null, Duration.ZERO);
                cluster.engine.loseLeases();
            }
            default -> {
                trouble("eviction of " + user, null, Duration.ZERO);
                cluster.engine.evict(TokenStore.key(user));
            }
        }
        greatest.clear();
    }

    /** A node that uses what was lost puts it back within a second. */
    private void failOver(int lost) {
        Map<String, TokenStore.Record> before = new HashMap<>();
        USERS.forEach(user -> before.put(user, cluster.record(user)));
        boolean calm = troubles.stream().noneMatch(t -> t.end.isAfter(cluster.clock.instant()));
        trouble("failover that loses " + lost, null, Duration.ZERO);
        cluster.engine.failover(lost);
        List<String> known = USERS.stream()
                .filter(user -> calm && slots.stream().anyMatch(slot -> slot.uses(user, before.get(user))))
                .toList();
        if (known.isEmpty()) {
            return;
        }
        cluster.advance(Duration.ofSeconds(1));
        for (String user : known) {
            TokenStore.Record after = cluster.record(user);
            if (after == null || after.version().compareTo(before.get(user).version()) < 0) {
                violate("no node has put back " + before.get(user) + " of " + user + " after a failover");
            }
        }
    }

    private Trouble trouble(String kind, @Nullable String node, Duration time) {
        cluster.log((node == null ? "" : node + ": ") + kind + (time.isZero() ? "" : " for " + time));
        Trouble trouble = new Trouble(
                kind, node, cluster.clock.instant(), cluster.clock.instant().plus(time));
        troubles.add(trouble);
        return trouble;
    }

    // ---- checks

    private void violate(String what) {
        if (violation == null) {
            violation = what;
            cluster.log("VIOLATION " + what);
        }
    }

    private void violate(Throwable thrown) {
        StringWriter trace = new StringWriter();
        thrown.printStackTrace(new PrintWriter(trace));
        violate("thrown: " + trace);
    }

    private void checkStep() {
        Instant now = cluster.clock.instant();
        waits.removeIf(wait -> wait.done || wait.slot.isGone(wait.node));
        for (Wait wait : waits) {
            if (!wait.done && now.isAfter(wait.limit())) {
                violate(wait.what + " has no outcome since " + wait.begun);
            }
        }
        for (String user : USERS) {
            TokenStore.Record record = cluster.record(user);
            if (record == null) {
                continue;
            }
            note(user, record);
            TokenStore.Version before = greatest.put(user, record.version());
            if (before != null && record.version().compareTo(before) < 0) {
                violate("the record of " + user + " went from " + before + " to " + record.version());
            }
        }
    }

    private void note(String user, TokenStore.Record record) {
        Token token = record.token();
        if (token != null) {
            if (!cluster.provider.user(token).equals(user)) {
                violate("the record of " + user + " has the token " + cluster.name(token));
            }
            if (token.refreshToken() != null) {
                tokenOf.put(token.refreshToken().secret(), token);
                refreshTokens.put(record.version(), token.refreshToken().secret());
            }
            saved.computeIfAbsent(user, key -> new HashSet<>()).add(cluster.name(token));
        }
    }

    /** A refusal is believed only after a look for the successor of the node that presented the token before. */
    private void checkDead(TokenStore.Record dead) {
        TokenStore.Version version = dead.version();
        String consumed = refreshTokens.get(
                new TokenStore.Version(version.since(), version.login(), version.number(), version.attempt(), false));
        if (mode == Mode.LOSSY || consumed == null) {
            return;
        }
        List<Presentation> same = cluster.provider.presentations().stream()
                .filter(p -> p.refreshToken().equals(consumed))
                .toList();
        boolean first = same.stream()
                .filter(Presentation::isRefused)
                .allMatch(refused -> same.stream()
                        .noneMatch(p -> p.granted() != null
                                && !p.node().equals(refused.node())
                                && p.at().isBefore(refused.at())));
        Instant believed = cluster.clock.instant().minus(Cluster.DEADLINE).plusSeconds(2);
        if (!first
                && same.stream()
                        .filter(Presentation::isRefused)
                        .noneMatch(
                                p -> p.respondedAt() != null && p.respondedAt().isBefore(believed))) {
            violate("the refusal of " + consumed + " was believed at once");
        }
    }

    /**
     * @param before what the session had handed out before the caller asked or the subscriber got this token
     */
    private void emitted(Member member, @Nullable Token before, Token token) {
        String name = cluster.name(token);
        Slot slot = member.slot;
        Instant now = member.node.clock.instant();
        if (!cluster.provider.user(token).equals(member.user)) {
            violate(member + " hands out the token " + name);
        }
        if (token.expiresAt() != null && !now.isBefore(token.expiresAt())) {
            violate(member + " hands out " + name + ", which has expired");
        }
        if (before != null && !before.accessToken().equals(token.accessToken())) {
            int login = cluster.provider.login(token);
            int loginBefore = cluster.provider.login(before);
            if (login == loginBefore
                    ? cluster.provider.serial(token) < cluster.provider.serial(before)
                            && !isDisordered()
                            && !presentedAlone.contains(member.user)
                    : isSurelyEarlier(login, loginBefore)) {
                violate(member + " goes back from " + cluster.name(before) + " to " + name);
            }
            TokenStore.Record record = cluster.record(member.user);
            if (record != null) {
                note(member.user, record);
            }
            boolean unsaved = !saved.getOrDefault(member.user, Set.of()).contains(name);
            boolean commanded = commands.stream().anyMatch(c -> c.slot == slot && c.login == login);
            if (unsaved
                    && !commanded
                    && login == loginBefore // else the session may have had a token between the two that no one asked
                    // for
                    && member.refused != before
                    && cluster.policy.staleAt(before).isAfter(now)) {
                violate(member + " hands out " + name + ", which is not saved, while " + cluster.name(before)
                        + " is usable");
            }
        }
        member.latest = token;
    }

    /** A request that outlived its deadline at the provider can be overtaken by its repeat. */
    private boolean isDisordered() {
        return troubles.stream().anyMatch(t -> t.kind.contains("ms"));
    }

    private boolean isSurelyEarlier(int login, int than) {
        Command one = command(login);
        Command other = command(than);
        return one != null && other != null && one.at.plus(SAME_TIME).isBefore(other.at);
    }

    private @Nullable Command command(int login) {
        return commands.stream().filter(c -> c.login == login).findFirst().orElse(null);
    }

    private void presents(Node node, RefreshToken refreshToken) {
        try {
            checkPresentation(node, refreshToken);
        } catch (RuntimeException thrown) {
            violate(thrown);
        }
    }

    /** Called before each presentation: the rules about who may present what and when. */
    private void checkPresentation(Node node, RefreshToken refreshToken) {
        Instant now = cluster.clock.instant();
        Slot slot = slotOf.get(node.name);
        Token token = tokenOf.get(refreshToken.secret());
        if (token == null) {
            return; // not saved anywhere; its own successor or spare
        }
        String user = cluster.provider.user(token);
        List<Presentation> same = cluster.provider.presentations().stream()
                .filter(p -> p.refreshToken().equals(refreshToken.secret()))
                .toList();
        Instant asked = node.store.leaseAskedAt(TokenStore.key(user));
        if (!rotates) {
            if (Duration.between(asked, now).compareTo(Cluster.LEASE) > 0) {
                presentedAlone.add(user);
            }
            return;
        }
        same.forEach(p -> checkPause(node, p));
        boolean withinGrace = same.stream()
                .filter(p -> p.node().equals(node.name) && !isUnsent(p))
                .limit(1)
                .anyMatch(own -> now.isBefore(own.at().plus(grace).minus(Cluster.DEADLINE)));
        boolean fresh = Duration.between(asked, now).compareTo(Cluster.LEASE.minus(Cluster.DEADLINE)) <= 0;
        if (!fresh && !withinGrace) {
            violate(node + " presents " + refreshToken.secret() + " and last asked for the lease at " + asked);
        }
        if (mode == Mode.LOSSY) {
            checkSeenMark(node, refreshToken, user, token);
            return;
        }
        List<Presentation> others = same.stream()
                .filter(p -> !p.node().equals(node.name) && !isUnsent(p))
                .toList();
        if (others.isEmpty()) {
            return;
        }
        for (Presentation other : others) {
            Slot holder = slotOf.get(other.node());
            boolean working =
                    other.respondedAt() == null && !holder.isGone(other.node()) && !holder.wasPausedSince(other.at());
            if (other.granted() != null && isOnlyUnsaved(holder, other, user)) {
                violate(node + " presents " + refreshToken.secret() + " while " + other.node() + " saves its result");
            }
            // A repeat without the store, within the grace, may outlive the lease.
            Instant leased =
                    holder.node.store.leaseAskedAt(TokenStore.key(user)).plus(Cluster.LEASE);
            if (working && now.isBefore(other.at().plus(Cluster.DEADLINE)) && now.isBefore(leased)) {
                violate(node + " presents " + refreshToken.secret() + " while " + other.node() + " does");
            }
        }
        Duration age = Duration.between(others.get(0).at(), now);
        if (!grace.isZero() && age.plus(MARGIN).compareTo(grace) <= 0) {
            return;
        }
        boolean demand = demanded.containsKey(node.name + user);
        Instant earliest = cluster.policy.staleAt(token).minus(CALM);
        if (node.clock.instant().isBefore(earliest) && !demand) {
            violate(node + " presents " + refreshToken.secret() + " of another node before " + earliest);
        }
        if (!node.store.askedForLease(
                TokenStore.key(user), Instant.EPOCH, now.minus(CALM).plusMillis(1))) {
            violate(node + " presents " + refreshToken.secret() + " of another node as soon as it finds it");
        }
        if (Duration.between(node.store.failedAt(TokenStore.key(user)), now).compareTo(CALM) < 0) {
            violate(node + " presents " + refreshToken.secret() + " of another node, and its store failed at "
                    + node.store.failedAt(TokenStore.key(user)));
        }
    }

    /** The {@code Retry-After} that one node got keeps all of them away, if that node could say so. */
    private void checkPause(Node node, Presentation earlier) {
        if (!earlier.fault().startsWith(THROTTLED)
                || earlier.respondedAt() == null
                || mode == Mode.LOSSY
                || slotOf.get(earlier.node()).isGone(earlier.node())) {
            return;
        }
        // The provider counts from its response, and the node by its own clock.
        Instant end = earlier.at()
                .plus(Duration.parse(earlier.fault().substring(THROTTLED.length())))
                .minusMillis(2L * widestSkew);
        boolean told = troubles.stream()
                .filter(t -> t.node == null || t.node.equals(earlier.node()))
                .filter(t -> !t.kind.startsWith(THROTTLED))
                .noneMatch(t -> !t.end.isBefore(earlier.at())
                        && !t.start.isAfter(earlier.respondedAt().plusSeconds(1)));
        if (told && cluster.clock.instant().isBefore(end)) {
            violate(node + " presents " + earlier.refreshToken() + " before the end of the pause at " + end);
        }
    }

    /** A store that loses a mark does not make a node forget that it has seen it. */
    private void checkSeenMark(Node node, RefreshToken refreshToken, String user, Token token) {
        Instant marked = node.store.markSeen(refreshToken.secret());
        Instant now = cluster.clock.instant();
        Member member = slotOf.get(node.name).members.get(user);
        if (marked == null || member == null || !member.began.isBefore(marked)) {
            return;
        }
        boolean inGrace =
                !grace.isZero() && Duration.between(marked, now).plus(MARGIN).compareTo(grace) <= 0;
        boolean demand = demanded.containsKey(node.name + user);
        Instant earliest = cluster.policy.staleAt(token).minus(CALM);
        if (!inGrace && !demand && node.clock.instant().isBefore(earliest)) {
            violate(node + " presents " + refreshToken.secret() + " before " + earliest + ", whose mark it saw");
        }
    }

    /**
     * Returns true if a node has a result, extends its lease and is only kept from saving: no one else is to present
     * meanwhile. A login or a sign-out at that node gives up the result.
     */
    private boolean isOnlyUnsaved(Slot holder, Presentation presentation, String user) {
        Member member = holder.members.get(user);
        Token result = presentation.granted();
        return presentation.respondedAt() != null
                && result != null
                && presentation.fault().equals("none")
                && !holder.isGone(presentation.node())
                && member != null
                && member.began.isBefore(presentation.at())
                && !holder.wasPausedSince(presentation.at())
                && commands.stream()
                        .noneMatch(c -> c.slot == holder && c.user.equals(user) && !c.at.isBefore(presentation.at()))
                && !saved.getOrDefault(user, Set.of()).contains(cluster.name(result))
                && troubles.stream()
                        .filter(t -> !t.end.isBefore(presentation.at()))
                        .filter(t -> t.node == null || t.node.equals(presentation.node()))
                        .allMatch(t -> t.kind.equals(WRITES_FAIL));
    }

    private static boolean isUnsent(Presentation presentation) {
        return presentation.fault().equals("not sent") || presentation.fault().startsWith("throttled");
    }

    // ---- the end

    private void settle() {
        cluster.log("all faults end");
        nextFault = presentation -> null;
        cluster.engine.thaw();
        for (Slot slot : slots) {
            slot.heal();
        }
        cluster.advance(Duration.ofSeconds(15));
        for (Slot slot : slots) {
            USERS.forEach(slot::restore);
        }
        checkStep();
        Duration step = lifetime.dividedBy(12);
        for (Duration time = Duration.ZERO; time.compareTo(lifetime.plusMinutes(2)) < 0; time = time.plus(step)) {
            slots.forEach(slot -> USERS.forEach(slot::call));
            cluster.advance(step);
            checkStep();
        }
        cluster.advance(CALLER_LIMIT);
        for (Slot slot : slots) {
            USERS.forEach(slot::restore);
            USERS.forEach(slot::unsubscribe);
        }
        checkStep();
        for (String user : USERS) {
            cluster.log("all tokens are stale");
            cluster.advance(lifetime.plusMillis(2L * widestSkew)); // by the clock of each node
            checkEnd(user);
        }
    }

    private void checkEnd(String user) {
        List<List<String>> asked = new ArrayList<>();
        for (Slot slot : slots) {
            Member member = slot.members.get(user);
            asked.add(member == null ? List.of("nothing stored") : slot.node.ask(member.session.token()));
        }
        cluster.advance(CALLER_LIMIT);
        List<String> outcomes = asked.stream()
                .map(seen -> seen.isEmpty() ? "no outcome" : seen.get(0))
                .toList();
        TokenStore.Record record = cluster.record(user);
        cluster.log("the end of " + user + ": " + outcomes + ", stored " + record);
        if (mode != Mode.LOSSY) {
            checkWinner(user, record);
        }
        Token token = record == null ? null : record.token();
        if (token != null) {
            if (new HashSet<>(outcomes).size() > 1 || !outcomes.get(0).equals(cluster.name(token))) {
                violate("the nodes do not agree about " + user + ": " + outcomes);
            }
        } else if (!Set.of("nothing stored", "LoginRequiredException").containsAll(outcomes)) {
            violate("the nodes do not agree that " + user + " has no token: " + outcomes);
        }
        if (record != null && record.state() == State.DEAD || token != null && cluster.provider.isRevoked(token)) {
            lost(user);
        }
    }

    private void checkWinner(String user, TokenStore.@Nullable Record record) {
        List<Command> of = commands.stream().filter(c -> c.user.equals(user)).toList();
        Command last = null;
        for (Command command : of) {
            if (command.done) {
                last = command;
            }
        }
        if (last == null) {
            return;
        }
        Instant since = last.at.minus(SAME_TIME);
        List<Command> possible = of.stream().filter(c -> !c.at.isBefore(since)).toList();
        boolean fits = possible.stream().filter(c -> !isFollowed(c, of)).anyMatch(c -> fits(c, record));
        if (!fits) {
            violate("the record of " + user + " is " + record + " after " + possible);
        }
    }

    /** A session orders its own commands, however fast they follow each other. */
    private static boolean isFollowed(Command command, List<Command> all) {
        return all.subList(all.indexOf(command) + 1, all.size()).stream()
                .anyMatch(later -> later.done && later.member != null && later.member == command.member);
    }

    private boolean fits(Command command, TokenStore.@Nullable Record record) {
        if (record == null) {
            return command.login == 0;
        }
        Token token = record.token();
        return switch (record.state()) {
            case LIVE -> token != null && cluster.provider.login(token) == command.login;
            case OUT -> command.login == 0;
            case DEAD -> command.login != 0;
        };
    }

    /** The provider has refused a login that no one ended: were there the faults that can cause it? */
    private void lost(String user) {
        List<Presentation> refusals = cluster.provider.presentations().stream()
                .filter(p -> p.isRefused() && tokenOf.containsKey(p.refreshToken()))
                .sorted(Comparator.comparing(Presentation::processedAt))
                .toList();
        Presentation last = refusals.stream()
                .filter(p ->
                        cluster.provider.user(tokenOf.get(p.refreshToken())).equals(user))
                .reduce((earlier, later) -> later)
                .orElse(null);
        if (last == null) {
            violate(user + " lost the session without a refusal");
            return;
        }
        // The first refusal of that login that no success followed; the later ones follow from it.
        int login = cluster.provider.login(tokenOf.get(last.refreshToken()));
        Instant granted = cluster.provider.presentations().stream()
                .filter(p -> p.granted() != null && cluster.provider.login(p.granted()) == login)
                .map(Presentation::processedAt)
                .max(Comparator.naturalOrder())
                .orElse(Instant.MIN);
        Presentation fatal = refusals.stream()
                .filter(p -> cluster.provider.login(tokenOf.get(p.refreshToken())) == login)
                .filter(p -> !p.processedAt().isBefore(granted))
                .findFirst()
                .orElse(last);
        checkSpare(user, fatal);
        List<Presentation> same = presentations(fatal.refreshToken());
        if (same.stream().allMatch(p -> p.granted() == null)) {
            // Never accepted: another successor of the same token has replaced it, which is where the story begins.
            String superseded = fatal.refreshToken();
            same = cluster.provider.presentations().stream()
                    .filter(p -> p.granted() != null
                            && superseded.equals(p.granted().refreshToken().secret()))
                    .findFirst()
                    .map(p -> presentations(p.refreshToken()))
                    .orElse(same);
        }
        Instant from = same.get(0).at().minus(Cluster.LEASE);
        Instant to = fatal.processedAt();
        List<Trouble> near = troubles.stream()
                .filter(t -> !t.end.isBefore(from) && !t.start.isAfter(to))
                .toList();
        // Whose response the session depends on: a presentation that the provider did not process leaves a mark, and no
        // successor.
        String holder = same.stream()
                .filter(p -> p.processedAt() != null && !p.isRefused())
                .findFirst()
                .orElse(same.get(0))
                .node();
        boolean excused;
        if (mode == Mode.QUIET) {
            excused = false;
        } else if (mode == Mode.LOSSY) {
            excused = !near.isEmpty() || troubles.stream().anyMatch(t -> t.node == null);
        } else if (!grace.isZero()) {
            // A second fault, or no one wanted a token while the provider still accepted the consumed one.
            Instant first = same.get(0).at();
            boolean wanted = nodes.stream()
                    .filter(node -> !node.name.equals(holder))
                    .anyMatch(node -> node.store.askedForLease(
                            TokenStore.key(user), first, first.plus(grace).minus(MARGIN)));
            excused = mode == Mode.CHAOS && (near.size() > 1 || !wanted);
        } else {
            boolean responseLost = same.stream().anyMatch(p -> p.processedAt() != null && p.respondedAt() == null)
                    || same.stream()
                            .anyMatch(p -> p.fault().startsWith("response lost")
                                    || p.fault().equals("502 afterwards"));
            boolean crashed = slotOf.get(holder).isGone(holder);
            boolean away = near.stream()
                    .anyMatch(t -> (t.node == null || t.node.equals(holder)) && !t.end.isBefore(to.minusSeconds(12)));
            boolean late = same.stream()
                    .anyMatch(p -> p.processedAt() != null && p.processedAt().isAfter(p.at().plus(Cluster.DEADLINE)));
            excused = responseLost || crashed || away || late;
        }
        cluster.log("lost: " + fatal + ", first " + same.get(0) + ", troubles " + near);
        if (!excused) {
            violate(user + " lost the session at " + to);
        }
    }

    /** What happened so far, one line each. */
    List<String> story() {
        return cluster.story;
    }

    private List<Presentation> presentations(String refreshToken) {
        return cluster.provider.presentations().stream()
                .filter(p -> p.refreshToken().equals(refreshToken))
                .toList();
    }

    /** A node that was refused, and no one else, presents another successor of the same token if it has one. */
    private void checkSpare(String user, Presentation refused) {
        if (presentations(refused.refreshToken()).stream()
                .anyMatch(p -> !p.node().equals(refused.node()))) {
            return;
        }
        Slot slot = slotOf.get(refused.node());
        Member member = slot.members.get(user);
        Token token = tokenOf.get(refused.refreshToken());
        if (slot.isGone(refused.node()) || member == null || !member.began.isBefore(refused.at())) {
            return;
        }
        for (Received received : received) {
            if (received.node == member.node
                    && !received.at.isBefore(member.began)
                    && received.at.isBefore(refused.processedAt())
                    && cluster.provider.login(received.token) == cluster.provider.login(token)
                    && cluster.provider.accepts(received.token)) {
                violate(refused + ", and the node has " + cluster.name(received.token));
            }
        }
    }

    String kind() {
        return mode + " grace " + grace.toSeconds();
    }

    boolean lostSomething() {
        return cluster.story.stream().anyMatch(line -> line.contains("  lost: "));
    }

    // ---- the parts

    private record Received(Node node, Token token, Instant at) {}

    private record Trouble(String kind, @Nullable String node, Instant start, Instant end) {}

    private final class Command {

        private final Slot slot;
        private final String user;
        private final int login;
        private final @Nullable Member member;
        private final Instant at = cluster.clock.instant();
        private boolean done;

        Command(Slot slot, String user, int login) {
            this.member = slot.members.get(user);
            this.slot = slot;
            this.user = user;
            this.login = login;
        }

        @Override
        public String toString() {
            return (login == 0 ? "sign-out" : "login " + login) + (done ? "" : "?") + " at " + at;
        }
    }

    private final class Wait {

        private final String what;
        private final Slot slot;
        private final Node node;
        private final Instant begun = cluster.clock.instant();
        private final Duration limit;
        private boolean done;

        Wait(String what, Slot slot, Duration limit) {
            this.what = slot.node.name + ": " + what;
            this.slot = slot;
            this.node = slot.node;
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
                    .plus(slot.pausedSince(begun))
                    .plus(presented ? Cluster.DEADLINE.multipliedBy(2) : Duration.ZERO);
        }
    }

    private final class Member {

        private final Slot slot;
        private final Node node;
        private final String user;
        private final TokenSession session;
        private @Nullable Disposable subscriber;
        private @Nullable Token latest;
        private @Nullable Token refused;
        private final Instant began = cluster.clock.instant();

        Member(Slot slot, String user, TokenSession session) {
            this.slot = slot;
            this.node = slot.node;
            this.user = user;
            this.session = session;
        }

        @Override
        public String toString() {
            return node + "'s session of " + user;
        }
    }

    /** The place of a node: it may be restarted. */
    private final class Slot {

        private final String letter;
        private final Duration skew;
        private final Map<String, Member> members = new HashMap<>();
        private final Set<String> crashed = new HashSet<>();
        private final List<Trouble> pauses = new ArrayList<>();
        private int incarnation;
        private Node node;
        private Instant pausedUntil = Instant.MIN;
        private Instant downUntil = Instant.MIN;
        private boolean down;

        Slot(String letter) {
            this.letter = letter;
            this.skew = widestSkew == 0
                    ? Duration.ZERO
                    : Duration.ofMillis(random.nextInt(2 * widestSkew) - (long) widestSkew);
            this.node = boot();
        }

        private Node boot() {
            Node booted = cluster.node(letter + ++incarnation, skew);
            slotOf.put(booted.name, this);
            nodes.add(booted);
            booted.store.seen = record -> {
                Token token = record.token();
                if (token != null) {
                    note(cluster.provider.user(token), record);
                } else if (record.state() == State.DEAD) {
                    checkDead(record);
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
            return pauses.stream().anyMatch(p -> !p.end.isBefore(time));
        }

        Duration pausedSince(Instant time) {
            Duration sum = Duration.ZERO;
            for (Trouble pause : pauses) {
                if (!pause.end.isBefore(time)) {
                    sum = sum.plus(Duration.between(pause.start, pause.end));
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
            Wait wait = new Wait(what, this, CALLER_LIMIT);
            asked.subscribe(
                    token -> {
                        wait.done = true;
                        emitted(member, before, token);
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
                        .subscribe(token -> emitted(member, member.latest, token), error -> {});
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
            Command command = new Command(this, user, cluster.provider.login(token));
            commands.add(command);
            cluster.log(node + ": " + user + " signs in: " + cluster.name(token));
            Wait wait = new Wait("login of " + user, this, STORE_LIMIT);
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
                members.put(user, new Member(this, user, session));
            } else {
                session.dispose();
            }
        }

        void restore(String user) {
            if (!isRunning() || members.containsKey(user)) {
                return;
            }
            cluster.log(node + " restores " + user);
            Wait wait = new Wait("restore of " + user, this, STORE_LIMIT);
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
            Command command = new Command(this, user, 0);
            commands.add(command);
            members.remove(user);
            Wait wait = new Wait("sign-out of " + user, this, STORE_LIMIT);
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
                    "disposal of " + user,
                    this,
                    Cluster.DEADLINE.plus(STORE_LIMIT).plus(STORE_LIMIT));
            Node at = node;
            member.session
                    .disposeLater()
                    .subscribe(
                            nothing -> {},
                            error -> {
                                wait.done = true;
                                trouble("unsaved at disposal", at.name, Duration.ZERO);
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
            for (Presentation p : presentations(token.refreshToken().secret())) {
                if (p.node().equals(at.name)
                        && !p.at().isBefore(member.began)
                        && p.granted() != null
                        && p.respondedAt() != null
                        && p.fault().equals("none")) {
                    violate(member + " is disposed, and the store has what it has consumed: " + cluster.name(token));
                }
            }
        }

        void crash(Duration time) {
            if (down) {
                return;
            }
            trouble("crash", node.name, Duration.ZERO);
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
            pauses.add(trouble("pause", node.name, time));
            Node paused = node;
            paused.scheduler.pause();
            cluster.clock.scheduler().schedule(paused.scheduler::resume, time.toMillis(), TimeUnit.MILLISECONDS);
        }

        /** The node reaches the store, which takes none of its writes. */
        void failWrites(Duration time) {
            trouble(WRITES_FAIL, node.name, time);
            ReferenceStore.Fault fault = random.nextBoolean()
                    ? ReferenceStore.Fault.fails()
                    : ReferenceStore.Fault.failsWith(
                            () -> new OAuthErrorException("invalid_grant", "the store's", 400));
            node.connection.faults((operation, key) ->
                    operation == ReferenceStore.Operation.PUT ? fault : ReferenceStore.Fault.none());
            reconnectAfter(time);
        }

        void cut(ReferenceStore.Fault fault, Duration time) {
            cut(fault, time, trouble("store fault", node.name, time));
        }

        private void cut(ReferenceStore.Fault fault, Duration time, Trouble trouble) {
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
    }
}
