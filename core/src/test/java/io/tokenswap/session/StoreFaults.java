package io.tokenswap.session;

import static io.tokenswap.session.StoreHistory.USERS;

import io.tokenswap.LoginRequiredException;
import io.tokenswap.Token;
import io.tokenswap.session.StoreHistory.Trouble;
import io.tokenswap.session.StoreRun.Mode;
import io.tokenswap.testing.ReferenceStore;
import io.tokenswap.testing.RotatingProvider;
import io.tokenswap.testing.RotatingProvider.Presentation;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** The faults of a run: processes that end or pause, stores and providers that fail, and what comes of two of them. */
final class StoreFaults {

    private final StoreHistory history;
    private final Mode mode;
    private final Random random;
    private final Cluster cluster;
    private final List<StoreNode> slots;
    private final Map<String, StoreNode> slotOf;
    private final List<Trouble> troubles;
    private final Map<String, TokenStore.Version> greatest;
    private Function<Presentation, RotatingProvider.@Nullable Fault> nextFault = presentation -> null;

    StoreFaults(StoreHistory history) {
        this.history = history;
        this.mode = history.mode;
        this.random = history.random;
        this.cluster = history.cluster;
        this.slots = history.slots;
        this.slotOf = history.slotOf;
        this.troubles = history.troubles;
        this.greatest = history.greatest;
    }

    /** Lets no fault happen from now on. */
    void end() {
        nextFault = presentation -> null;
        cluster.engine.thaw();
    }

    /** Lets time pass until a refresh is near or has begun, so that most faults strike one. */
    void beforeNextRefresh() {
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
    StoreNode holderOr(StoreNode slot) {
        List<Presentation> all = cluster.provider.presentations();
        Presentation last = all.isEmpty() ? null : all.get(all.size() - 1);
        boolean refreshing = last != null
                && last.respondedAt() == null
                && last.at().plusSeconds(2).isAfter(cluster.clock.instant());
        return refreshing ? slotOf.get(last.node()) : slot;
    }

    /** Strikes a node that is refreshing, and lets the others ask some time later. */
    void strike(StoreNode slot) {
        slots.forEach(each -> USERS.forEach(each::restore));
        beforeNextRefresh();
        USERS.forEach(slot::call);
        StoreNode holder = holderOr(slot);
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
    void overtake(StoreNode slot, String user) {
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
        history.trouble("overtaken after " + late.toMillis() + " ms", null, Duration.ZERO);
        slot.demand(user);
        cluster.advance(Duration.ofMillis(random.nextInt(1_000)));
        slots.forEach(each -> each.demand(user));
        cluster.advance(Duration.ofMillis(25_000 + random.nextInt(10_000)));
        nextFault = presentation -> null;
    }

    /** The user signs in at a node that cannot save it, and signs in or out at another one meanwhile. */
    void contest(StoreNode slot, String user) {
        slots.forEach(each -> each.restore(user));
        slot.cut(ReferenceStore.Fault.fails(), Duration.ofSeconds(20 + random.nextInt(40)));
        slot.signIn(user);
        cluster.advance(Duration.ofSeconds(13 + random.nextInt(10)));
        StoreNode other = slots.get((slots.indexOf(slot) + 1) % slots.size());
        if (random.nextBoolean()) {
            other.signIn(user);
        } else {
            other.signOut(user);
        }
        cluster.advance(Duration.ofSeconds(random.nextInt(60)));
    }

    void fault(StoreNode slot) {
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
                    history.trouble("outage", null, time);
                    slots.forEach(each -> each.cutOff(fault, time));
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
        history.trouble("frozen store", null, time);
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
            history.trouble(fault.toString(), presentation.node(), Duration.ZERO);
            return mode == Mode.SINGLE_FAULT ? fault : fault.slow(slow, Duration.ofMillis(random.nextInt(600)));
        };
    }

    RotatingProvider.Fault providerFault(Presentation presentation) {
        RotatingProvider.Fault fault = nextFault.apply(presentation);
        RotatingProvider.Fault next = fault != null
                ? fault
                : RotatingProvider.Fault.none()
                        .slow(Duration.ofMillis(random.nextInt(300)), Duration.ofMillis(random.nextInt(300)));
        cluster.log(presentation.node() + " presents " + presentation.refreshToken() + ": " + next);
        return next;
    }

    void lose(String user) {
        switch (random.nextInt(3)) {
            case 0 -> failOver(1 + random.nextInt(8));
            case 1 -> {
                history.trouble("lost leases", null, Duration.ZERO);
                cluster.engine.loseLeases();
            }
            default -> {
                history.trouble("eviction of " + user, null, Duration.ZERO);
                cluster.engine.evict(TokenStore.key(user));
            }
        }
        greatest.clear();
    }

    /** A node that uses what was lost puts it back within a second. */
    private void failOver(int lost) {
        Map<String, TokenStore.Record> before = new HashMap<>();
        USERS.forEach(user -> before.put(user, cluster.record(user)));
        boolean calm = troubles.stream().noneMatch(t -> t.end().isAfter(cluster.clock.instant()));
        history.trouble("failover that loses " + lost, null, Duration.ZERO);
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
                history.violate("no node has put back " + before.get(user) + " of " + user + " after a failover");
            }
        }
    }
}
