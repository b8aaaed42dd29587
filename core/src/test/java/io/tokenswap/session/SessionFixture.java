package io.tokenswap.session;

import io.tokenswap.Token;
import io.tokenswap.TokenEndpoint;
import io.tokenswap.testing.ScriptedEndpoint;
import io.tokenswap.testing.VirtualClock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/** A session under virtual time: an hour's token, due 5 min before expiry, stale 10 s before it, no jitter unless said. */
abstract class SessionFixture {

    static final Duration HOUR = Duration.ofHours(1);
    static final Duration TO_REFRESH = Duration.ofMinutes(55);
    static final Duration TO_STALE = HOUR.minusSeconds(10);

    final VirtualClock clock = new VirtualClock();
    final ScriptedEndpoint endpoint = new ScriptedEndpoint(clock, HOUR);

    final TokenSession.Builder builder() {
        return builder(endpoint);
    }

    final TokenSession.Builder builder(TokenEndpoint endpoint) {
        return TokenSession.builder(endpoint)
                .clock(clock)
                .scheduler(clock.scheduler())
                .random(() -> 0);
    }

    final TokenSession session() {
        return builder().build(endpoint.grant());
    }

    /** What a caller gets at once. */
    static String accessToken(TokenSession session) {
        return session.token().map(token -> token.accessToken().secret()).block(Duration.ZERO);
    }

    /** What a caller gets by and by: one token or the name of an error. */
    static List<String> ask(Mono<Token> mono) {
        List<String> seen = new ArrayList<>();
        mono.map(token -> token.accessToken().secret())
                .subscribe(seen::add, error -> seen.add(error.getClass().getSimpleName()));
        return seen;
    }

    /** What a subscriber of the tokens gets by and by, its end included. */
    static List<String> record(TokenSession session) {
        List<String> seen = new ArrayList<>();
        session.tokens()
                .map(token -> token.accessToken().secret())
                .subscribe(seen::add, error -> seen.add(error.getClass().getSimpleName()), () -> seen.add("complete"));
        return seen;
    }

    /** The token that is stored for a user, or null. */
    static @Nullable Token stored(TokenStore store, String user) {
        TokenStore.Record record =
                store.load(TokenStore.key(user)).block(Duration.ZERO).record();
        return record == null ? null : record.token();
    }

    static List<SessionEvent> events(TokenSession session) {
        List<SessionEvent> seen = new ArrayList<>();
        session.events().subscribe(seen::add);
        return seen;
    }

    /** Returns a response that the test delivers. */
    final Sinks.One<Token> heldResponse() {
        Sinks.One<Token> response = Sinks.one();
        endpoint.then(token -> response.asMono());
        return response;
    }

    /** Breaks the rules of Reactive Streams: throws out of onNext. */
    static final class Thrower<T> implements CoreSubscriber<T> {

        private final Throwable thrown;

        Thrower(Throwable thrown) {
            this.thrown = thrown;
        }

        @Override
        public void onSubscribe(Subscription subscription) {
            subscription.request(Long.MAX_VALUE);
        }

        @Override
        public void onNext(T value) {
            throw sneaky(thrown);
        }

        @Override
        public void onError(Throwable error) {}

        @Override
        public void onComplete() {}

        @SuppressWarnings("unchecked")
        private static <E extends Throwable> RuntimeException sneaky(Throwable thrown) throws E {
            throw (E) thrown;
        }
    }
}
