package io.tokenswap;

import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.belongTo;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.core.domain.properties.HasName.Predicates.name;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

@AnalyzeClasses(packages = "io.tokenswap", importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {

    @ArchTest
    static final ArchRule rootKnowsReactorAndNothingElse = classes()
            .that()
            .resideInAPackage("io.tokenswap")
            .should()
            .onlyDependOnClassesThat(resideInAnyPackage(
                    "io.tokenswap",
                    "io.tokenswap.internal..",
                    "java..",
                    "javax.crypto..",
                    "reactor.core..",
                    "reactor.util..",
                    "org.reactivestreams",
                    "org.jspecify.."));

    @ArchTest
    static final ArchRule sessionKnowsRootAndReactor = classes()
            .that()
            .resideInAPackage("io.tokenswap.session")
            .should()
            .onlyDependOnClassesThat(resideInAnyPackage(
                    "io.tokenswap",
                    "io.tokenswap.session",
                    "io.tokenswap.internal..",
                    "java..",
                    "reactor.core..",
                    "reactor.util..",
                    "org.reactivestreams",
                    "org.jspecify.."));

    @ArchTest
    static final ArchRule noOtherPackageNamesHttp = noClasses()
            .that(not(resideInAPackage("io.tokenswap.http..")))
            .should()
            .dependOnClassesThat(resideInAPackage("io.tokenswap.http.."));

    @ArchTest
    static final ArchRule httpNamesNoneOfItsNeighbours = classes()
            .that()
            .resideInAPackage("io.tokenswap.http..")
            .should()
            .onlyDependOnClassesThat(not(resideInAPackage("io.tokenswap.."))
                    .or(resideInAnyPackage("io.tokenswap", "io.tokenswap.internal..", "io.tokenswap.http..")));

    @ArchTest
    static final ArchRule onlyOnePackageKnowsMicrometer = noClasses()
            .that(not(resideInAPackage("io.tokenswap.micrometer..")))
            .should()
            .dependOnClassesThat(resideInAnyPackage("io.micrometer..", "io.tokenswap.micrometer.."));

    @ArchTest
    static final ArchRule micrometerKnowsSessionAndRoot = classes()
            .that()
            .resideInAPackage("io.tokenswap.micrometer..")
            .should()
            .onlyDependOnClassesThat(not(resideInAPackage("io.tokenswap.."))
                    .or(resideInAnyPackage("io.tokenswap", "io.tokenswap.session", "io.tokenswap.micrometer..")));

    @ArchTest
    static final ArchRule storeKnowsSessionAndRoot = classes()
            .that()
            .resideInAPackage("io.tokenswap.store..")
            .should()
            .onlyDependOnClassesThat(not(resideInAPackage("io.tokenswap.."))
                    .or(resideInAnyPackage(
                            "io.tokenswap",
                            "io.tokenswap.session",
                            "io.tokenswap.internal..",
                            "io.tokenswap.store..")));

    @ArchTest
    static final ArchRule sessionDoesNotKnowStore = noClasses()
            .that()
            .resideInAPackage("io.tokenswap.session..")
            .should()
            .dependOnClassesThat(resideInAPackage("io.tokenswap.store.."));

    @ArchTest
    static final ArchRule onlyHttpKnowsNetty = noClasses()
            .that(not(resideInAPackage("io.tokenswap.http..")))
            .should()
            .dependOnClassesThat(resideInAnyPackage("reactor.netty..", "io.netty.."));

    @ArchTest
    static final ArchRule internalNamesNoOtherPackage = classes()
            .that()
            .resideInAPackage("io.tokenswap.internal..")
            .should()
            .onlyDependOnClassesThat(
                    not(resideInAPackage("io.tokenswap..")).or(resideInAPackage("io.tokenswap.internal..")));

    @ArchTest
    static final ArchRule onlyOneClassKnowsJackson = noClasses()
            .that(not(belongTo(name("io.tokenswap.internal.Json"))))
            .should()
            .dependOnClassesThat(resideInAPackage("tools.jackson.."));

    @ArchTest
    static final ArchRule oneClassReadsTheQueryOfARedirect = noClasses()
            .that(not(belongTo(name("io.tokenswap.RedirectParameters")))
                    .and(not(belongTo(name("io.tokenswap.internal.UrlEncoded")))))
            .should()
            .callMethod("io.tokenswap.internal.UrlEncoded", "parse", "java.lang.String");
}
