package io.tokenswap.callback;

import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.belongTo;
import static com.tngtech.archunit.core.domain.properties.HasName.Predicates.name;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

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
}
