package io.tokenswap.callback;

import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Lines that the user pastes while a login waits.
 *
 * @param lines subscribed to by each login
 * @param codeAlone true if a line may be the code alone, without the state that proves to which login it belongs
 */
record PastedInput(Flux<String> lines, boolean codeAlone) {

    /** Offers each line to a login, and completes with the lines. */
    Mono<Void> offerTo(PendingLogin login) {
        return lines.doOnNext(line -> login.paste(line, codeAlone)).then();
    }
}
