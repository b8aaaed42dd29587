package io.tokenswap.spring;

import static com.tngtech.archunit.base.DescribedPredicate.describe;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.domain.AccessTarget.MethodCallTarget;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import java.time.Duration;
import reactor.core.scheduler.Scheduler;

/** Rules for all modules that an application may have. This module is the one that sees them all. */
@AnalyzeClasses(packages = "io.tokenswap", importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {

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
