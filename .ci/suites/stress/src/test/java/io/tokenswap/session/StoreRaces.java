package io.tokenswap.session;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.II_Result;

/** The one place for an unsaved write: commands and the end of the session against the result of a refresh and its save. */
public class StoreRaces {

    @JCStressTest
    @State
    @Outcome(id = "9, 9, 1", expect = ACCEPTABLE, desc = "the new login wins and is stored, and the key is free")
    public static class RenewAgainstSave {

        private final StressSession stress = StressSession.waitingWithStore().refreshing();

        @Actor
        public void renew() {
            stress.renew(9);
        }

        @Actor
        public void land() {
            stress.land();
        }

        @Arbiter
        public void arbiter(III_Result r) {
            r.r1 = stress.current();
            r.r2 = stress.stored();
            r.r3 = stress.isKeyFree() ? 1 : 0;
        }
    }

    @JCStressTest
    @State
    @Outcome(id = "0, 1", expect = ACCEPTABLE, desc = "the sign-out is stored, and a later login finds the key free")
    public static class SignOutAgainstResult {

        private final StressSession stress = StressSession.waitingWithStore().refreshing();

        @Actor
        public void signOut() {
            stress.session.signOut().block();
        }

        @Actor
        public void land() {
            stress.land();
        }

        @Arbiter
        public void arbiter(II_Result r) {
            r.r1 = stress.stored();
            r.r2 = stress.isKeyFreeAfterLogin() ? 1 : 0;
        }
    }

    @JCStressTest
    @State
    @Outcome(id = "2, 1", expect = ACCEPTABLE, desc = "the token is stored whichever came first, and the key is free")
    public static class DisposeAgainstSave {

        private final StressSession stress = StressSession.waitingWithStore().refreshing();

        @Actor
        public void dispose() {
            stress.session.dispose();
        }

        @Actor
        public void land() {
            stress.land();
        }

        @Arbiter
        public void arbiter(II_Result r) {
            r.r1 = stress.stored();
            r.r2 = stress.isKeyFree() ? 1 : 0;
        }
    }

    @JCStressTest
    @State
    @Outcome(
            id = "0, 1",
            expect = ACCEPTABLE,
            desc = "signed out: a login before it is older, and a closed session takes none")
    public static class RenewAgainstSignOut {

        private final StressSession stress = StressSession.waitingWithStore().refreshing();

        @Actor
        public void renew() {
            stress.session.renew(StressSession.token(9)).onErrorComplete().block();
        }

        @Actor
        public void signOut() {
            stress.session.signOut().block();
        }

        @Arbiter
        public void arbiter(II_Result r) {
            r.r1 = stress.stored();
            r.r2 = stress.isKeyFreeAfterLogin() ? 1 : 0;
        }
    }
}
