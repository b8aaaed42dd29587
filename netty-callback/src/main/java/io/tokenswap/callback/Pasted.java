package io.tokenswap.callback;

import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * What the user types in while a login waits.
 *
 * @param lines subscribed to by each login
 * @param codeAlone whether a line may be the code, without the state that proves whose it is
 */
record Pasted(Flux<String> lines, boolean codeAlone) {

    static final Pasted NOTHING = new Pasted(Flux.empty(), false);

    /** Offers each line to a login; ends with the lines. */
    Mono<Void> into(PendingLogin login) {
        return lines.doOnNext(line -> login.paste(line, codeAlone)).then();
    }
}
