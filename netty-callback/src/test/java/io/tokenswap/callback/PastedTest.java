package io.tokenswap.callback;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/** What the user types in, where no browser gets here. */
@ExtendWith(NothingIsLeft.class)
class PastedTest {

    @Test
    void aPastedRedirectUrlIsJudgedLikeAHit() {
        Sinks.Many<String> lines = Sinks.many().multicast().onBackpressureBuffer();
        try (WaitingLogin login = WaitingLogin.start(WaitingLogin.RECEIVER.pasted(lines.asFlux()))) {
            lines.tryEmitNext("nonsense");
            lines.tryEmitNext("http://localhost:4002/auth?code=c&state=wrong");
            assertThat(login.isPending()).isTrue();

            lines.tryEmitNext("  http://localhost:4002/auth?" + login.goodQuery() + "#_=_ ");

            assertThat(login.code().secret()).isEqualTo(WaitingLogin.CODE);
            assertThat(lines.currentSubscriberCount()).isZero();
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "http://localhost:4002/auth?code=CODE&state=STATE",
                "https://elsewhere.example/?code=CODE&state=STATE",
                "?code=CODE&state=STATE",
                "code=CODE&state=STATE",
                "\tstate=STATE&code=CODE#_=_\r"
            })
    void aPieceOfTheUrlIsEnough(String pasted) {
        Sinks.Many<String> lines = Sinks.many().multicast().onBackpressureBuffer();
        try (WaitingLogin login = WaitingLogin.start(WaitingLogin.RECEIVER.pasted(lines.asFlux()))) {
            lines.tryEmitNext(pasted.replace("CODE", WaitingLogin.CODE).replace("STATE", login.state()));

            assertThat(login.code().secret()).isEqualTo(WaitingLogin.CODE);
        }
    }

    @Test
    void aCodeAloneProvesNothing() {
        Sinks.Many<String> lines = Sinks.many().multicast().onBackpressureBuffer();
        try (WaitingLogin login = WaitingLogin.start(WaitingLogin.RECEIVER.pasted(lines.asFlux()))) {
            lines.tryEmitNext(WaitingLogin.CODE);

            login.isStillPending();
        }
    }

    @Test
    void aCodeAloneIsTakenWherePkceProtects() {
        Sinks.Many<String> lines = Sinks.many().multicast().onBackpressureBuffer();
        try (WaitingLogin login = WaitingLogin.start(WaitingLogin.RECEIVER.unsafePastedCode(lines.asFlux()))) {
            lines.tryEmitNext("what is this?");
            lines.tryEmitNext("short");
            lines.tryEmitNext("http://localhost:4002/auth");
            lines.tryEmitNext("http://localhost:4002/auth?code=" + WaitingLogin.CODE + "&state=wrong");
            lines.tryEmitNext("code=" + WaitingLogin.CODE + "&state=wrong");
            assertThat(login.isPending()).isTrue();
            lines.tryEmitNext(" " + WaitingLogin.CODE + " ");

            assertThat(login.code().secret()).isEqualTo(WaitingLogin.CODE);
            assertThat(login.code().codeVerifier()).isNotNull();
        }
    }

    @Test
    void theEndOfWhatIsPastedChangesNothing() {
        try (WaitingLogin login = WaitingLogin.start(WaitingLogin.RECEIVER.pasted(Mono.just("nonsense")))) {
            login.isStillPending();
        }
    }
}
