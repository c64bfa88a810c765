package org.iommu4j.cli.architecture;

import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.Dependency;
import com.tngtech.archunit.core.domain.JavaClass;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Who may know whom: the arrows between the modules. */
class ModuleArrowsTest {
    private static final String MACHINE = "machine";
    private static final String API = "api";
    private static final String WALKER = "walker";
    private static final String FLUSH = "flush";
    private static final String PAGE_TABLE = "pagetable";
    private static final String VTD = "vtd";
    private static final String EMULATOR = "emulator";
    private static final String QEMU = "qemu";
    private static final String CONFORMANCE = "conformance";
    private static final String INSPECTOR = "inspector";

    /* What each module may know besides itself. The emulator knows the machine alone, so that a misreading of the
     * architecture on one side shows instead of cancelling out. A module that is not here is refused. */
    private static final Map<String, Set<String>> MAY_KNOW =
            Map.ofEntries(
                    Map.entry(MACHINE, Set.of()),
                    Map.entry(API, Set.of(MACHINE)),
                    Map.entry(WALKER, Set.of(API, MACHINE)),
                    Map.entry(FLUSH, Set.of(API, MACHINE)),
                    Map.entry(PAGE_TABLE, Set.of(WALKER, FLUSH, API, MACHINE)),
                    Map.entry(VTD, Set.of(PAGE_TABLE, WALKER, FLUSH, API, MACHINE)),
                    Map.entry(EMULATOR, Set.of(MACHINE)),
                    Map.entry(QEMU, Set.of(MACHINE)),
                    Map.entry(CONFORMANCE, Set.of(API, WALKER, FLUSH, MACHINE)),
                    Map.entry(INSPECTOR, Set.of(WALKER, API, MACHINE)),
                    Map.entry(
                            "cli",
                            Set.of(
                                    VTD,
                                    PAGE_TABLE,
                                    WALKER,
                                    FLUSH,
                                    API,
                                    MACHINE,
                                    EMULATOR,
                                    QEMU,
                                    CONFORMANCE,
                                    INSPECTOR)));

    private final BuiltModules modules = BuiltModules.found();

    @Test
    void everyDeclaredModuleIsRead() {
        assertThat(modules.descriptors())
                .extracting(descriptor -> descriptor.name())
                .containsExactlyInAnyOrderElementsOf(modules.declaredModules().values());
    }

    @Test
    void everySourceFileIsReadAsAClass() {
        modules.declaredModules()
                .forEach((folder, module) ->
                        assertThat(modules.classesOf(module))
                                .extracting(JavaClass::getName)
                                .as("classes read of %s", folder)
                                .isNotEmpty()
                                .containsAll(writtenClasses(folder)));
    }

    @TestFactory
    Stream<DynamicTest> arrowsPointDownOnly() {
        return modules.declaredModules().values().stream()
                .map(module ->
                        DynamicTest.dynamicTest(
                                module, () -> assertThat(forbidden(module)).isEmpty()));
    }

    @Test
    void everyPackageBearsTheNameOfItsModule() {
        Set<String> packages = new TreeSet<>();
        modules.classes()
                .forEach(type -> packages.add(BuiltModules.moduleOf(type.getPackageName())));
        assertThat(packages)
                .containsExactlyInAnyOrderElementsOf(modules.declaredModules().values());
    }

    @Test
    void noCycles() {
        assertThat(modules.classes().size())
                .as("classes read")
                .isGreaterThan(modules.descriptors().size());
        slices().matching("org.iommu4j.(*)..").should().beFreeOfCycles().check(modules.classes());
    }

    private List<String> writtenClasses(String folder) {
        Path sources = modules.root().resolve(folder).resolve("src/main/java");
        return modules.mainSources().get(folder).stream()
                .map(file -> sources.relativize(file).toString())
                .map(name -> name.replaceAll("\\.java$", "").replaceAll("[/\\\\]", "."))
                .toList();
    }

    private List<String> forbidden(String module) {
        List<JavaClass> classes = modules.classesOf(module);
        assertThat(classes).as("classes read of %s", module).isNotEmpty();
        Set<String> legal = MAY_KNOW.get(module.substring(BuiltModules.PREFIX.length()));
        assertThat(legal).as("what the unknown module %s may know", module).isNotNull();
        return classes.stream()
                .flatMap(type -> type.getDirectDependenciesFromSelf().stream())
                .filter(dependency -> !isLegal(dependency, module, legal))
                .map(Dependency::getDescription)
                .toList();
    }

    private static boolean isLegal(Dependency dependency, String module, Set<String> legal) {
        String target = dependency.getTargetClass().getBaseComponentType().getPackageName();
        if (!target.startsWith(BuiltModules.PREFIX)) {
            return true;
        }
        String known = BuiltModules.moduleOf(target);
        return known.equals(module)
                || legal.contains(known.substring(BuiltModules.PREFIX.length()));
    }
}
