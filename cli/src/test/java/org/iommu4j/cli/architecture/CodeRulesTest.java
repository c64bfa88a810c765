package org.iommu4j.cli.architecture;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.GeneralCodingRules.ACCESS_STANDARD_STREAMS;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaCodeUnit;
import com.tngtech.archunit.core.domain.JavaField;
import com.tngtech.archunit.core.domain.JavaMember;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.domain.JavaType;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** What no class of the project does, wherever it stands. */
class CodeRulesTest {
    private final BuiltModules modules = BuiltModules.found();
    private final Set<String> exported = modules.exportedPackages();

    @Test
    void onlyTheCommandPrints() {
        JavaClasses silent =
                counted(
                        modules.classes()
                                .that(
                                        DescribedPredicate.not(
                                                resideInAPackage(BuiltModules.PREFIX + "cli.."))));
        noClasses().should(ACCESS_STANDARD_STREAMS).check(silent);
    }

    @Test
    void noUnsafeAndNothingInternalOfTheJdk() {
        noClasses()
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("sun..", "jdk.internal..", "com.sun..")
                .check(counted(modules.classes()));
    }

    @Test
    void noInjectionInExportedPackages() {
        noClasses()
                .should()
                .dependOnClassesThat(
                        resideInAnyPackage("dagger..", "javax.inject..", "jakarta.inject.."))
                .check(counted(exportedClasses()));
    }

    @Test
    void publicSignaturesNameOnlyWhatIsExported() {
        Set<String> hidden = new TreeSet<>();
        int signatures = 0;
        for (JavaClass type : counted(exportedClasses())) {
            if (isVisible(type)) {
                type.getTypeParameters()
                        .forEach(parameter -> collect(parameter, type.getName(), hidden));
                type.getSuperclass().ifPresent(above -> collect(above, type.getName(), hidden));
                type.getInterfaces().forEach(above -> collect(above, type.getName(), hidden));
                for (JavaMember member : type.getMembers()) {
                    if (isVisible(member.getModifiers())) {
                        signatures++;
                        involved(member)
                                .forEach(named -> collect(named, member.getFullName(), hidden));
                    }
                }
            }
        }
        assertThat(signatures).as("public signatures read").isGreaterThan(exported.size() * 10);
        assertThat(hidden).isEmpty();
    }

    private static JavaClasses counted(JavaClasses classes) {
        assertThat(classes.size()).as("classes read").isGreaterThan(10);
        return classes;
    }

    /** The classes of the exported packages, at least one of each. */
    private JavaClasses exportedClasses() {
        JavaClasses classes =
                modules.classes()
                        .that(
                                DescribedPredicate.describe(
                                        "exported", t -> exported.contains(t.getPackageName())));
        Set<String> read = new TreeSet<>();
        classes.forEach(type -> read.add(type.getPackageName()));
        assertThat(read).isEqualTo(exported);
        return classes;
    }

    private void collect(JavaType named, String where, Set<String> hidden) {
        for (JavaClass raw : named.getAllInvolvedRawTypes()) {
            JavaClass type = raw.getBaseComponentType();
            String packageName = type.getPackageName();
            boolean ours = packageName.startsWith(BuiltModules.PREFIX);
            if (ours && !(exported.contains(packageName) && isVisible(type))) {
                hidden.add(where + " names " + type.getName() + ", which is not exported");
            } else if (!ours && !packageName.isEmpty() && !isLegalLibrary(packageName, where)) {
                hidden.add(where + " names " + type.getName() + " of a library");
            }
        }
    }

    /** Of libraries only JUnit is named, where contracts are made tests of it. */
    private static boolean isLegalLibrary(String packageName, String where) {
        return packageName.startsWith("java.")
                || (packageName.startsWith("org.junit.jupiter.api")
                        && where.startsWith(BuiltModules.PREFIX + "conformance.junit."));
    }

    private static List<JavaType> involved(JavaMember member) {
        if (member instanceof JavaField field) {
            return List.of(field.getType());
        }
        JavaCodeUnit unit = (JavaCodeUnit) member;
        List<JavaType> types = new ArrayList<>(unit.getParameterTypes());
        types.add(unit.getReturnType());
        types.addAll(unit.getTypeParameters());
        types.addAll(unit.getExceptionTypes());
        return types;
    }

    private static boolean isVisible(JavaClass type) {
        return isVisible(type.getModifiers())
                && type.getEnclosingClass().map(CodeRulesTest::isVisible).orElse(true);
    }

    private static boolean isVisible(Set<JavaModifier> modifiers) {
        return (modifiers.contains(JavaModifier.PUBLIC)
                        || modifiers.contains(JavaModifier.PROTECTED))
                && !modifiers.contains(JavaModifier.SYNTHETIC);
    }
}
