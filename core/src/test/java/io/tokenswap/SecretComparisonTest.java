package io.tokenswap;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.methods;

import com.tngtech.archunit.core.domain.JavaAccess;
import com.tngtech.archunit.core.domain.JavaMethod;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTag;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import java.security.MessageDigest;

/**
 * The state of a login is the one secret that this library compares with untrusted input: code that reads it must compare
 * it in a time that reveals nothing. Tokens are only ever compared with one another.
 */
@AnalyzeClasses(packages = "io.tokenswap", importOptions = ImportOption.DoNotIncludeTests.class)
class SecretComparisonTest {

    @ArchTest
    @ArchTag("B113")
    static final ArchRule theStateIsComparedInConstantTime = methods()
            .that()
            .areDeclaredIn(AuthorizationRequest.class)
            .and()
            .haveNameNotMatching("uri|seal") // which only write it down
            .should(new ArchCondition<>("compare the state by MessageDigest.isEqual and by nothing else") {
                @Override
                public void check(JavaMethod method, ConditionEvents events) {
                    boolean reads = method.getFieldAccesses().stream()
                            .anyMatch(access -> access.getTarget().getName().equals("state"));
                    if (reads) {
                        events.add(new SimpleConditionEvent(
                                method, isConstantTime(method), method.getFullName() + " reads the state"));
                    }
                }
            });

    @ArchTest
    @ArchTag("B113")
    static final ArchRule aMethodComparesTheState = methods()
            .that()
            .areDeclaredIn(AuthorizationRequest.class)
            .and()
            .haveName("matchesState")
            .should(new ArchCondition<>("call MessageDigest.isEqual") {
                @Override
                public void check(JavaMethod method, ConditionEvents events) {
                    events.add(new SimpleConditionEvent(method, isConstantTime(method), method.getFullName()));
                }
            });

    /** Of all calls that such a method makes, only the comparison in constant time and what turns text into bytes. */
    private static boolean isConstantTime(JavaMethod method) {
        return method.getMethodCallsFromSelf().stream()
                        .map(JavaAccess::getTarget)
                        .allMatch(call -> call.getName().equals("getBytes")
                                || call.getFullName().startsWith(MessageDigest.class.getName() + ".isEqual("))
                && method.getMethodCallsFromSelf().stream()
                        .anyMatch(call -> call.getTarget().getName().equals("isEqual"));
    }
}
