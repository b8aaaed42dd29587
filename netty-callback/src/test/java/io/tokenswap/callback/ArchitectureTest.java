package io.tokenswap.callback;

import static com.tngtech.archunit.base.DescribedPredicate.describe;
import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.belongTo;
import static com.tngtech.archunit.core.domain.properties.HasName.Predicates.name;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.domain.AccessTarget.MethodCallTarget;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import java.time.Duration;
import reactor.core.scheduler.Scheduler;

@AnalyzeClasses(packages = "io.tokenswap.callback", importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {

    /** However many logins wait, a redirect is read once. */
    @ArchTest
    static final ArchRule oneClassReadsRedirects = noClasses()
            .that(not(belongTo(name("io.tokenswap.callback.PendingLogins"))))
            .should()
            .callMethod("io.tokenswap.RedirectParameters", "parse", "java.lang.String");

    @ArchTest
    static final ArchRule noClassReadsQueriesInAnotherWay = noClasses()
            .should()
            .callMethod("io.tokenswap.AuthorizationRequest", "validate", "java.lang.String")
            .orShould()
            .dependOnClassesThat(name("io.netty.handler.codec.http.QueryStringDecoder")
                    .or(name("java.net.URLDecoder"))
                    .forSubtype());

    /** The application may occupy the schedulers that Reactor uses by default. */
    @ArchTest
    static final ArchRule everyTimerNamesItsScheduler = noClasses()
            .should()
            .callMethodWhere(
                    describe("a timer of Reactor has no scheduler", call -> isTimerWithoutScheduler(call.getTarget())));

    private static boolean isTimerWithoutScheduler(MethodCallTarget method) {
        var parameters = method.getRawParameterTypes();
        return method.getOwner().getPackageName().equals("reactor.core.publisher")
                && parameters.stream().anyMatch(type -> type.isEquivalentTo(Duration.class))
                && parameters.stream().noneMatch(type -> type.isEquivalentTo(Scheduler.class))
                && !method.getName().startsWith("block");
    }
}
