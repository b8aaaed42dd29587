package io.tokenswap.session;

import static io.tokenswap.session.StoreHistory.USERS;

import java.time.Duration;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;

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

    private final long seed;
    private final StoreHistory history;
    private final StoreRules rules;
    private final StoreFaults faults;
    private final Mode mode;
    private final Random random;
    private final Duration grace;
    private final boolean rotates;
    private final Duration lifetime;
    private final int widestSkew;
    private final Cluster cluster;
    private final List<StoreNode> slots;
    private boolean singleFaultSpent;

    StoreRun(long seed) {
        this(seed, mode(seed));
    }

    StoreRun(long seed, Mode mode) {
        this.seed = seed;
        this.history = new StoreHistory(seed, mode);
        this.mode = history.mode;
        this.random = history.random;
        this.grace = history.grace;
        this.rotates = history.rotates;
        this.lifetime = history.lifetime;
        this.widestSkew = history.widestSkew;
        this.cluster = history.cluster;
        this.slots = history.slots;
        this.rules = new StoreRules(history);
        this.faults = new StoreFaults(history);
        cluster.presenter = rules::presents;
        cluster.provider.faults(faults::providerFault);
        int nodes = 2 + random.nextInt(2);
        for (int i = 0; i < nodes; i++) {
            slots.add(new StoreNode(history, rules, String.valueOf((char) ('a' + i))));
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
            for (int step = 0; step < steps && history.violation() == null; step++) {
                act();
                rules.checkStep();
            }
            if (history.violation() == null) {
                settle();
            }
        } catch (RuntimeException | Error thrown) {
            history.violate(thrown);
        }
        return history.violation() == null
                ? null
                : "seed " + seed + ": " + history.violation() + "\n" + String.join("\n", cluster.story);
    }

    private void begin() {
        for (String user : USERS) {
            slots.get(0).signIn(user);
        }
        for (StoreNode slot : slots) {
            for (String user : USERS) {
                slot.restore(user);
                if (mode == Mode.SINGLE_FAULT) {
                    slot.toggleSubscriber(user);
                }
            }
        }
    }

    private void act() {
        StoreNode slot = slots.get(random.nextInt(slots.size()));
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
                faults.beforeNextRefresh();
                faults.fault(faults.holderOr(slot));
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
                faults.lose(user);
            } else if (dice > 97) {
                faults.strike(slot);
            } else if (dice > 95) {
                faults.contest(slot, user);
            } else if (dice > 94) {
                faults.overtake(slot, user);
            } else {
                faults.fault(slot);
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

    private void settle() {
        cluster.log("all faults end");
        faults.end();
        for (StoreNode slot : slots) {
            slot.heal();
        }
        cluster.advance(Duration.ofSeconds(15));
        for (StoreNode slot : slots) {
            USERS.forEach(slot::restore);
        }
        rules.checkStep();
        Duration step = lifetime.dividedBy(12);
        for (Duration time = Duration.ZERO; time.compareTo(lifetime.plusMinutes(2)) < 0; time = time.plus(step)) {
            slots.forEach(slot -> USERS.forEach(slot::call));
            cluster.advance(step);
            rules.checkStep();
        }
        cluster.advance(StoreNode.CALLER_LIMIT);
        for (StoreNode slot : slots) {
            USERS.forEach(slot::restore);
            USERS.forEach(slot::unsubscribe);
        }
        rules.checkStep();
        for (String user : USERS) {
            cluster.log("all tokens are stale");
            cluster.advance(lifetime.plusMillis(2L * widestSkew)); // by the clock of each node
            rules.checkEnd(user);
        }
    }

    /** What happened so far, one line each. */
    List<String> story() {
        return cluster.story;
    }

    String kind() {
        return mode + " grace " + grace.toSeconds();
    }

    boolean lostSomething() {
        return cluster.story.stream().anyMatch(line -> line.contains("  lost: "));
    }
}
