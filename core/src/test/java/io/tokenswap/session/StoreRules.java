package io.tokenswap.session;

import static io.tokenswap.session.StoreHistory.SAME_TIME;
import static io.tokenswap.session.StoreHistory.THROTTLED;
import static io.tokenswap.session.StoreHistory.USERS;
import static io.tokenswap.session.StoreHistory.WRITES_FAIL;

import io.tokenswap.RefreshToken;
import io.tokenswap.Token;
import io.tokenswap.session.Cluster.Node;
import io.tokenswap.session.StoreHistory.Received;
import io.tokenswap.session.StoreHistory.Trouble;
import io.tokenswap.session.StoreNode.Command;
import io.tokenswap.session.StoreNode.Member;
import io.tokenswap.session.StoreNode.Wait;
import io.tokenswap.session.StoreRun.Mode;
import io.tokenswap.session.TokenStore.State;
import io.tokenswap.testing.RotatingProvider.Presentation;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The guarantees of the protocol of a store: who may present which refresh token and when, in which order a session hands
 * tokens out, and which login is left in the end. A lost session needs a fault that can cause it.
 */
final class StoreRules {

    private static final Duration CALM = Duration.ofSeconds(10);
    private static final Duration MARGIN = Duration.ofSeconds(3);

    private final StoreHistory history;
    private final Mode mode;
    private final Duration grace;
    private final boolean rotates;
    private final int widestSkew;
    private final Cluster cluster;
    private final List<StoreNode> slots;
    private final List<Node> nodes;
    private final Map<String, StoreNode> slotOf;
    private final Map<String, Token> tokenOf;
    private final Map<String, Set<String>> saved;
    private final List<Trouble> troubles;
    private final List<Command> commands;
    private final List<Wait> waits;
    private final List<Received> received;
    private final Map<TokenStore.Version, String> refreshTokens;
    private final Set<String> presentedAlone;
    private final Map<String, Instant> demanded;
    private final Map<String, TokenStore.Version> greatest;

    StoreRules(StoreHistory history) {
        this.history = history;
        this.mode = history.mode;
        this.grace = history.grace;
        this.rotates = history.rotates;
        this.widestSkew = history.widestSkew;
        this.cluster = history.cluster;
        this.slots = history.slots;
        this.nodes = history.nodes;
        this.slotOf = history.slotOf;
        this.tokenOf = history.tokenOf;
        this.saved = history.saved;
        this.troubles = history.troubles;
        this.commands = history.commands;
        this.waits = history.waits;
        this.received = history.received;
        this.refreshTokens = history.refreshTokens;
        this.presentedAlone = history.presentedAlone;
        this.demanded = history.demanded;
        this.greatest = history.greatest;
    }

    void checkStep() {
        Instant now = cluster.clock.instant();
        waits.removeIf(wait -> wait.done || wait.slot.isGone(wait.node));
        for (Wait wait : waits) {
            if (!wait.done && now.isAfter(wait.limit())) {
                history.violate(wait.what + " has no outcome since " + wait.begun);
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
                history.violate("the record of " + user + " went from " + before + " to " + record.version());
            }
        }
    }

    void note(String user, TokenStore.Record record) {
        Token token = record.token();
        if (token != null) {
            if (!cluster.provider.user(token).equals(user)) {
                history.violate("the record of " + user + " has the token " + cluster.name(token));
            }
            if (token.refreshToken() != null) {
                tokenOf.put(token.refreshToken().secret(), token);
                refreshTokens.put(record.version(), token.refreshToken().secret());
            }
            saved.computeIfAbsent(user, key -> new HashSet<>()).add(cluster.name(token));
        }
    }

    /** A refusal is believed only after a look for the successor of the node that presented the token before. */
    void checkDead(TokenStore.Record dead) {
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
            history.violate("the refusal of " + consumed + " was believed at once");
        }
    }

    /**
     * @param before what the session had handed out before the caller asked or the subscriber got this token
     */
    void emitted(Member member, @Nullable Token before, Token token) {
        String name = cluster.name(token);
        StoreNode slot = member.slot;
        Instant now = member.node.clock.instant();
        if (!cluster.provider.user(token).equals(member.user)) {
            history.violate(member + " hands out the token " + name);
        }
        if (token.expiresAt() != null && !now.isBefore(token.expiresAt())) {
            history.violate(member + " hands out " + name + ", which has expired");
        }
        if (before != null && !before.accessToken().equals(token.accessToken())) {
            int login = cluster.provider.login(token);
            int loginBefore = cluster.provider.login(before);
            if (login == loginBefore
                    ? cluster.provider.serial(token) < cluster.provider.serial(before)
                            && !isDisordered()
                            && !presentedAlone.contains(member.user)
                    : isSurelyEarlier(login, loginBefore)) {
                history.violate(member + " goes back from " + cluster.name(before) + " to " + name);
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
                history.violate(member + " hands out " + name + ", which is not saved, while " + cluster.name(before)
                        + " is usable");
            }
        }
        member.latest = token;
    }

    /** A request that outlived its deadline at the provider can be overtaken by its repeat. */
    private boolean isDisordered() {
        return troubles.stream().anyMatch(t -> t.kind().contains("ms"));
    }

    private boolean isSurelyEarlier(int login, int than) {
        Command one = command(login);
        Command other = command(than);
        return one != null && other != null && one.at.plus(SAME_TIME).isBefore(other.at);
    }

    private @Nullable Command command(int login) {
        return commands.stream().filter(c -> c.login == login).findFirst().orElse(null);
    }

    void presents(Node node, RefreshToken refreshToken) {
        try {
            checkPresentation(node, refreshToken);
        } catch (RuntimeException thrown) {
            history.violate(thrown);
        }
    }

    /** Called before each presentation: the rules about who may present what and when. */
    private void checkPresentation(Node node, RefreshToken refreshToken) {
        Instant now = cluster.clock.instant();
        StoreNode slot = slotOf.get(node.name);
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
            history.violate(node + " presents " + refreshToken.secret() + " and last asked for the lease at " + asked);
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
            StoreNode holder = slotOf.get(other.node());
            boolean working =
                    other.respondedAt() == null && !holder.isGone(other.node()) && !holder.wasPausedSince(other.at());
            if (other.granted() != null && isOnlyUnsaved(holder, other, user)) {
                history.violate(
                        node + " presents " + refreshToken.secret() + " while " + other.node() + " saves its result");
            }
            // A repeat without the store, within the grace, may outlive the lease.
            Instant leased =
                    holder.node.store.leaseAskedAt(TokenStore.key(user)).plus(Cluster.LEASE);
            if (working && now.isBefore(other.at().plus(Cluster.DEADLINE)) && now.isBefore(leased)) {
                history.violate(node + " presents " + refreshToken.secret() + " while " + other.node() + " does");
            }
        }
        Duration age = Duration.between(others.get(0).at(), now);
        if (!grace.isZero() && age.plus(MARGIN).compareTo(grace) <= 0) {
            return;
        }
        boolean demand = demanded.containsKey(node.name + user);
        Instant earliest = cluster.policy.staleAt(token).minus(CALM);
        if (node.clock.instant().isBefore(earliest) && !demand) {
            history.violate(node + " presents " + refreshToken.secret() + " of another node before " + earliest);
        }
        if (!node.store.askedForLease(
                TokenStore.key(user), Instant.EPOCH, now.minus(CALM).plusMillis(1))) {
            history.violate(node + " presents " + refreshToken.secret() + " of another node as soon as it finds it");
        }
        if (Duration.between(node.store.failedAt(TokenStore.key(user)), now).compareTo(CALM) < 0) {
            history.violate(node + " presents " + refreshToken.secret() + " of another node, and its store failed at "
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
                .filter(t -> t.node() == null || t.node().equals(earlier.node()))
                .filter(t -> !t.kind().startsWith(THROTTLED))
                .noneMatch(t -> !t.end().isBefore(earlier.at())
                        && !t.start().isAfter(earlier.respondedAt().plusSeconds(1)));
        if (told && cluster.clock.instant().isBefore(end)) {
            history.violate(node + " presents " + earlier.refreshToken() + " before the end of the pause at " + end);
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
            history.violate(
                    node + " presents " + refreshToken.secret() + " before " + earliest + ", whose mark it saw");
        }
    }

    /**
     * Returns true if a node has a result, extends its lease and is only kept from saving: no one else is to present
     * meanwhile. A login or a sign-out at that node gives up the result.
     */
    private boolean isOnlyUnsaved(StoreNode holder, Presentation presentation, String user) {
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
                        .filter(t -> !t.end().isBefore(presentation.at()))
                        .filter(t -> t.node() == null || t.node().equals(presentation.node()))
                        .allMatch(t -> t.kind().equals(WRITES_FAIL));
    }

    private static boolean isUnsent(Presentation presentation) {
        return presentation.fault().equals("not sent") || presentation.fault().startsWith("throttled");
    }

    void checkEnd(String user) {
        List<List<String>> asked = new ArrayList<>();
        for (StoreNode slot : slots) {
            Member member = slot.members.get(user);
            asked.add(member == null ? List.of("nothing stored") : slot.node.ask(member.session.token()));
        }
        cluster.advance(StoreNode.CALLER_LIMIT);
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
                history.violate("the nodes do not agree about " + user + ": " + outcomes);
            }
        } else if (!Set.of("nothing stored", "LoginRequiredException").containsAll(outcomes)) {
            history.violate("the nodes do not agree that " + user + " has no token: " + outcomes);
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
            history.violate("the record of " + user + " is " + record + " after " + possible);
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
            history.violate(user + " lost the session without a refusal");
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
        List<Presentation> same = history.presentations(fatal.refreshToken());
        if (same.stream().allMatch(p -> p.granted() == null)) {
            // Never accepted: another successor of the same token has replaced it, which is where the story begins.
            String superseded = fatal.refreshToken();
            same = cluster.provider.presentations().stream()
                    .filter(p -> p.granted() != null
                            && superseded.equals(p.granted().refreshToken().secret()))
                    .findFirst()
                    .map(p -> history.presentations(p.refreshToken()))
                    .orElse(same);
        }
        Instant from = same.get(0).at().minus(Cluster.LEASE);
        Instant to = fatal.processedAt();
        List<Trouble> near = troubles.stream()
                .filter(t -> !t.end().isBefore(from) && !t.start().isAfter(to))
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
            excused = !near.isEmpty() || troubles.stream().anyMatch(t -> t.node() == null);
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
                    .anyMatch(t -> (t.node() == null || t.node().equals(holder))
                            && !t.end().isBefore(to.minusSeconds(12)));
            boolean late = same.stream()
                    .anyMatch(p -> p.processedAt() != null && p.processedAt().isAfter(p.at().plus(Cluster.DEADLINE)));
            excused = responseLost || crashed || away || late;
        }
        cluster.log("lost: " + fatal + ", first " + same.get(0) + ", troubles " + near);
        if (!excused) {
            history.violate(user + " lost the session at " + to);
        }
    }

    /** A node that was refused, and no one else, presents another successor of the same token if it has one. */
    private void checkSpare(String user, Presentation refused) {
        if (history.presentations(refused.refreshToken()).stream()
                .anyMatch(p -> !p.node().equals(refused.node()))) {
            return;
        }
        StoreNode slot = slotOf.get(refused.node());
        Member member = slot.members.get(user);
        Token token = tokenOf.get(refused.refreshToken());
        if (slot.isGone(refused.node()) || member == null || !member.began.isBefore(refused.at())) {
            return;
        }
        for (Received received : received) {
            if (received.node() == member.node
                    && !received.at().isBefore(member.began)
                    && received.at().isBefore(refused.processedAt())
                    && cluster.provider.login(received.token()) == cluster.provider.login(token)
                    && cluster.provider.accepts(received.token())) {
                history.violate(refused + ", and the node has " + cluster.name(received.token()));
            }
        }
    }
}
