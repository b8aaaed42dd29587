package io.tokenswap.callback;

import io.tokenswap.AuthorizationRequest;
import io.tokenswap.AuthorizationResponse;
import io.tokenswap.callback.CallbackPage.Outcome;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;
import reactor.netty.http.server.HttpServerRequest;
import reactor.netty.http.server.HttpServerResponse;

/** The logins that wait on one port, told apart by their states, and those that were answered there a moment ago. */
final class Logins {

    private static final int MOST_ANSWERED = 64;

    private final List<PendingLogin> waiting = new CopyOnWriteArrayList<>();
    private final Deque<PendingLogin> answered = new ConcurrentLinkedDeque<>();

    /**
     * The answer to a login, as soon as it is there; ends when its page was shown. The login waits here from subscription on, and
     * the browser is opened only then.
     */
    Flux<AuthorizationResponse> await(
            AuthorizationRequest request, CallbackPage page, Browser browser, Pasted pasted, Scheduler scheduler) {
        return Flux.using(
                () -> {
                    PendingLogin login =
                            new PendingLogin(request, request.redirectUri().getRawPath(), page);
                    waiting.add(login);
                    return login;
                },
                login -> Mono.firstWithSignal(
                                login.response(),
                                browser.open(request.uri()).then(Mono.never()),
                                pasted.into(login).then(Mono.<AuthorizationResponse>never()))
                        .concatWith(login.shown(scheduler).then(Mono.empty())),
                this::leave);
    }

    private void leave(PendingLogin login) {
        if (login.isAnswered()) {
            // First in the one list, then out of the other: a reload in between must find it.
            answered.addFirst(login);
            if (answered.size() > MOST_ANSWERED) {
                answered.pollLast();
            }
        }
        waiting.remove(login);
    }

    boolean areOn(String path) {
        return on(path).findAny().isPresent();
    }

    /** What a hit gets that is no answer to any login; null for one that is. */
    @Nullable Answer refusal(String target) {
        String originForm = HitRules.originForm(target);
        String path = HitRules.path(originForm);
        String query = HitRules.query(originForm);
        if (on(path).anyMatch(login -> login.isAnswer(query))) {
            return null;
        }
        // The page has cleaned its address, so that its reload comes without a query.
        Outcome outcome = query == null
                        && answered.stream().anyMatch(login -> login.path().equals(path))
                ? Outcome.ALREADY_DONE
                : Outcome.INVALID_LINK;
        return on(path).findFirst()
                .map(login -> login.page(outcome))
                .orElseGet(() -> CallbackPage.create().answer(outcome));
    }

    Mono<Void> serve(HttpServerRequest request, HttpServerResponse response) {
        String target = HitRules.originForm(request.uri());
        String path = HitRules.path(target);
        String query = HitRules.query(target);
        for (PendingLogin login : (Iterable<PendingLogin>) on(path)::iterator) {
            Outcome outcome = login.offer(query);
            if (outcome != null) {
                // A response is complete for Reactor Netty when its write begins; that it has ended shows in the close
                // after it.
                response.withConnection(
                        connection -> connection.channel().closeFuture().addListener(closed -> login.pageWritten()));
                return send(response, login.page(outcome));
            }
        }
        // Its login has gone since it was let through.
        return send(response, CallbackPage.create().answer(Outcome.INVALID_LINK));
    }

    private Stream<PendingLogin> on(String path) {
        return Stream.concat(waiting.stream(), answered.stream())
                .filter(login -> login.path().equals(path));
    }

    private static Mono<Void> send(HttpServerResponse response, Answer answer) {
        return response.status(answer.status())
                .headers(answer.headers())
                .sendString(Mono.just(answer.body()))
                .then();
    }

    void forgetAnswered() {
        answered.clear();
    }
}
