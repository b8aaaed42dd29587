package io.tokenswap.session;

import static org.assertj.core.api.Assertions.assertThat;

import io.tokenswap.Token;
import io.tokenswap.testing.ScriptedEndpoint;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.reactivestreams.Subscription;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Mono;

/** Events of a session, and warnings of the end of its grant. */
class SessionEventsTest extends SessionFixture {

    private static List<String> names(List<SessionEvent> events) {
        return events.stream().map(event -> event.getClass().getSimpleName()).toList();
    }

    @Nested
    class Events {

        @Test
        void tellEachChangeOnce() {
            TokenSession session = session();
            List<SessionEvent> events = events(session);
            Token first = session.token().block(Duration.ZERO);
            endpoint.thenFail(ScriptedEndpoint.notSent());
            session.invalidate(first);
            session.invalidate(first);
            clock.advance(Duration.ofSeconds(1));
            assertThat(accessToken(session)).isEqualTo("access-2");
            endpoint.thenFail(ScriptedEndpoint.invalidGrant());
            session.refresh().onErrorComplete().block(Duration.ZERO);
            session.renew(endpoint.grant()).block(Duration.ZERO);
            session.dispose();
            session.dispose();
            assertThat(names(events))
                    .containsExactly(
                            "Invalidated", "RefreshFailed", "Refreshed", "LoginRequired", "Refreshed", "Closed");
            assertThat(events.get(0))
                    .isEqualTo(new SessionEvent.Invalidated(clock.instant().minusSeconds(1), first.fingerprint()));
        }

        @Test
        @Tag("B23")
        void reportMissingScopesOnceAndAfterTheToken() {
            Token full = endpoint.grant().toBuilder()
                    .scopes(List.of("read", "modify", "stream"))
                    .build();
            TokenSession session = builder().build(full);
            List<SessionEvent> events = events(session);
            for (String scopes : List.of("stream modify read", "read", "read extra")) {
                endpoint.then(token -> Mono.just(endpoint.grant().toBuilder()
                        .scopes(List.of(scopes.split(" ")))
                        .build()));
                session.refresh().block(Duration.ZERO);
            }
            assertThat(names(events)).containsExactly("Refreshed", "Refreshed", "ScopesReduced", "Refreshed");
            assertThat(events.get(2))
                    .isEqualTo(new SessionEvent.ScopesReduced(clock.instant(), Set.of("modify", "stream")));
        }

        /** A caller and a listener that act on the news make newer ones, and everyone hears them in their order. */
        @Test
        void comeInTheOrderOfTheChangesOfAllThreads() {
            TokenSession session = session();
            clock.advance(HOUR);
            List<String> one = new ArrayList<>();
            List<String> two = new ArrayList<>();
            session.events().subscribe(event -> {
                one.add(event.getClass().getSimpleName());
                if (one.size() == 1) {
                    session.invalidate(session.token().block(Duration.ZERO));
                }
            });
            session.events().subscribe(event -> two.add(event.getClass().getSimpleName()));
            var response = heldResponse();
            session.token().subscribe(session::invalidate);
            response.tryEmitValue(endpoint.grant());
            session.dispose();
            assertThat(one)
                    .isEqualTo(two)
                    .containsExactly("Refreshed", "Invalidated", "Refreshed", "Invalidated", "Refreshed", "Closed");
        }

        @Test
        void waitForTheChangeBeforeThemWhenThreadsComeTheOtherWayRound() {
            SessionSettings settings = SessionSettings.of(
                    endpoint,
                    RefreshPolicy.defaults(),
                    clock,
                    clock.scheduler(),
                    () -> 0,
                    null,
                    false,
                    new RefreshSlots(64));
            Phase first = IdlePhase.with(endpoint.grant(), Stored.NONE, settings.moment(), settings);
            Phase refreshing = first.demanded(settings.moment(), settings);
            Phase second = refreshing.renewed(endpoint.grant(), settings.newLogin(), settings.moment(), settings);
            SessionEvents events = new SessionEvents(settings);
            List<SessionEvent> seen = new ArrayList<>();
            events.start(first);
            EventStream.Listener listener =
                    new EventStream.Listener((SessionEngine) session(), events, new BaseSubscriber<>() {
                        @Override
                        protected void hookOnNext(SessionEvent event) {
                            seen.add(event);
                        }
                    });
            events.add(listener);
            listener.begin();
            events.changed(second, second.closed(settings.moment()));
            events.changed(refreshing, second);
            assertThat(seen).isEmpty();
            events.changed(first, refreshing);
            assertThat(names(seen)).containsExactly("Refreshed", "Closed");
        }

        @Test
        void forASlowSubscriberAreTheLatest256() {
            TokenSession session = session();
            List<SessionEvent> seen = new ArrayList<>();
            BaseSubscriber<SessionEvent> slow = new BaseSubscriber<>() {
                @Override
                protected void hookOnSubscribe(Subscription subscription) {}

                @Override
                protected void hookOnNext(SessionEvent event) {
                    seen.add(event);
                }
            };
            session.events().subscribe(slow);
            for (int i = 0; i < 300; i++) {
                session.refresh().block(Duration.ZERO);
            }
            String last = session.token().block(Duration.ZERO).fingerprint();
            slow.request(Long.MAX_VALUE);
            assertThat(seen)
                    .hasSize(256)
                    .last()
                    .satisfies(event -> assertThat(((SessionEvent.Refreshed) event).fingerprint())
                            .isEqualTo(last));
        }

        @Test
        void holdNoSecret() {
            TokenSession session = session();
            List<SessionEvent> events = events(session);
            session.invalidate(session.token().block(Duration.ZERO));
            session.dispose();
            assertThat(events).hasSize(3).noneMatch(event -> event.toString().matches(".*(access|refresh)-\\d.*"));
        }
    }

    @Nested
    class TheEndOfAGrant {

        private List<SessionEvent> warnings(TokenSession session) {
            List<SessionEvent> seen = new ArrayList<>();
            session.events()
                    .filter(SessionEvent.GrantExpiring.class::isInstance)
                    .subscribe(seen::add);
            return seen;
        }

        @Test
        @Tag("B104")
        void warnsOnceThirtyAndOnceSevenDaysBeforeTheGrantEnds() {
            TokenSession session = builder().policy(RefreshPolicy.spotify()).build(endpoint.grant());
            record(session);
            List<SessionEvent> events = events(session);
            clock.advance(Duration.ofDays(180));
            assertThat(events)
                    .filteredOn(SessionEvent.GrantExpiring.class::isInstance)
                    .hasSize(2)
                    .extracting(event ->
                            Duration.between(event.at(), ((SessionEvent.GrantExpiring) event).grantExpiresAt()))
                    .satisfies(before -> {
                        assertThat(before.get(0)).isBetween(Duration.ofDays(30).minus(HOUR), Duration.ofDays(30));
                        assertThat(before.get(1)).isBetween(Duration.ofDays(7).minus(HOUR), Duration.ofDays(7));
                    });
        }

        /** A session that was restored late has to warn as well, though another may have done so before it. */
        @ParameterizedTest(name = "restored {0} days before the end: {1} warnings, the first within the hour")
        @CsvSource({"31, 2", "29, 2", "8, 2", "6, 1", "1, 1"})
        @Tag("B104")
        void aSessionThatIsRestoredLateWarnsToo(int daysLeft, int expected) {
            Instant end = clock.instant().plus(Duration.ofDays(daysLeft));
            Token restored = endpoint.grant().toBuilder()
                    .authorizedAt(end.minus(Duration.ofDays(180)))
                    .build();
            TokenSession session = builder().policy(RefreshPolicy.spotify()).build(restored);
            record(session);
            List<SessionEvent> warnings = warnings(session);
            clock.advance(HOUR);
            assertThat(warnings).hasSize(daysLeft < 30 ? 1 : 0);
            clock.advance(Duration.ofDays(daysLeft));
            assertThat(warnings).hasSize(expected);
        }

        @Test
        @Tag("B104")
        void anIdleSessionWarnsWithTheFirstTokenThatIsAskedFor() {
            TokenSession session = builder().policy(RefreshPolicy.spotify()).build(endpoint.grant());
            List<SessionEvent> warnings = warnings(session);
            clock.advance(Duration.ofDays(178));
            assertThat(warnings).isEmpty();
            session.token().block(Duration.ZERO);
            assertThat(warnings).hasSize(1);
            session.refresh().block(Duration.ZERO);
            assertThat(warnings).hasSize(1);
        }

        @Test
        @Tag("B104")
        void aNewLoginIsWarnedOfAnew() {
            TokenSession session = builder().policy(RefreshPolicy.spotify()).build(endpoint.grant());
            List<SessionEvent> warnings = warnings(session);
            clock.advance(Duration.ofDays(178));
            session.refresh().block(Duration.ZERO);
            session.renew(endpoint.grant()).block(Duration.ZERO);
            assertThat(warnings).hasSize(1);
            clock.advance(Duration.ofDays(178));
            session.refresh().block(Duration.ZERO);
            assertThat(warnings).hasSize(2);
        }

        @Test
        void thatWasGivenBeforeAllArithmeticStopsNothing() {
            Token ancient =
                    endpoint.grant().toBuilder().authorizedAt(Instant.MIN).build();
            TokenSession session = builder().policy(RefreshPolicy.spotify()).build(ancient);
            List<SessionEvent> warnings = warnings(session);
            clock.advance(HOUR);
            assertThat(accessToken(session)).isEqualTo("access-2");
            assertThat(warnings).hasSize(1);
        }

        @Test
        @Tag("B105")
        void halfAYearOfRefreshesMissesNoneAndDoublesNoneAndEndsOnceAndCleanly() {
            Instant end = clock.instant().plus(Duration.ofDays(180));
            endpoint.always(token -> clock.instant().isBefore(end)
                    ? Mono.just(endpoint.grant())
                    : Mono.error(ScriptedEndpoint.invalidGrant()));
            TokenSession session = builder().policy(RefreshPolicy.spotify()).build(endpoint.grant());
            List<String> seen = record(session);
            List<SessionEvent> events = events(session);
            clock.advance(Duration.ofDays(181));
            int expected = (int) (Duration.ofDays(180).toMinutes() / TO_REFRESH.toMinutes()) + 1;
            assertThat(endpoint.refreshes()).isEqualTo(expected);
            assertThat(seen).hasSize(expected + 1).doesNotHaveDuplicates().endsWith("LoginRequiredException");
            assertThat(events)
                    .filteredOn(SessionEvent.LoginRequired.class::isInstance)
                    .hasSize(1);
        }
    }
}
