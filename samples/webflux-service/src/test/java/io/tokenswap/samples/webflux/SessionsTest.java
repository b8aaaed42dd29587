package io.tokenswap.samples.webflux;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class SessionsTest {

    @Test
    void whereThereIsNoRoomTheLongestIdleSessionMakesSome() {
        try (World world = World.start("--service.max-sessions=2")) {
            Browser first = new Browser();
            Browser second = new Browser();
            first.open(world.service("/login"));
            second.open(world.service("/login"));
            first.get(world.service("/me"));

            new Browser().open(world.service("/login"));

            assertThat(first.get(world.service("/me")).statusCode()).isEqualTo(200);
            assertThat(second.get(world.service("/me")).statusCode()).isEqualTo(401);
        }
    }
}
