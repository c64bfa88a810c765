package org.iommu4j.cli.architecture;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.Location;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.module.ModuleDescriptor;
import java.lang.module.ModuleFinder;
import java.lang.module.ModuleReader;
import java.lang.module.ModuleReference;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.jar.JarFile;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The project's modules as they were built: what the architecture's rules are held against. Sources
 * are found from the project's root, class files on the paths that this virtual machine was started
 * with; a module of which only one of the two is found is an error, so that no rule can overlook
 * it.
 */
final class BuiltModules {
    static final String PREFIX = "org.iommu4j.";

    private static final BuiltModules FOUND = new BuiltModules();

    private final Path root = findRoot();
    private final Map<String, ModuleReference> byName = new TreeMap<>();
    private final JavaClasses classes;

    private BuiltModules() {
        for (Path entry : pathEntries()) {
            if (holdsModule(entry)) {
                ModuleFinder.of(entry).findAll().stream()
                        .filter(module -> module.descriptor().name().startsWith(PREFIX))
                        .forEach(module -> byName.put(module.descriptor().name(), module));
            }
        }
        List<Location> locations =
                byName.values().stream()
                        .map(module -> Location.of(module.location().orElseThrow()))
                        .toList();
        classes = new ClassFileImporter().importLocations(locations);
    }

    static BuiltModules found() {
        return FOUND;
    }

    /** The root of the project's sources. */
    Path root() {
        return root;
    }

    /** The descriptors of every module, by name. */
    Collection<ModuleDescriptor> descriptors() {
        return byName.values().stream().map(ModuleReference::descriptor).toList();
    }

    /** The lines of a file of a module; none if there is no such file. */
    List<String> resource(String module, String name) {
        try (ModuleReader reader = byName.get(module).open()) {
            Optional<InputStream> file = reader.open(name);
            if (file.isEmpty()) {
                return List.of();
            }
            try (InputStream bytes = file.get()) {
                return new String(bytes.readAllBytes(), StandardCharsets.UTF_8).lines().toList();
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Every class of every module. */
    JavaClasses classes() {
        return classes;
    }

    /** The classes of one module. */
    List<JavaClass> classesOf(String module) {
        return classes.stream()
                .filter(type -> moduleOf(type.getPackageName()).equals(module))
                .toList();
    }

    /** Every package that a module exports to all others. */
    Set<String> exportedPackages() {
        return descriptors().stream()
                .flatMap(module -> module.exports().stream())
                .filter(export -> !export.isQualified())
                .map(ModuleDescriptor.Exports::source)
                .collect(Collectors.toCollection(TreeSet::new));
    }

    /** The names of the modules that the sources declare, by the folder they stand in. */
    Map<String, String> declaredModules() {
        Map<String, String> declared = new TreeMap<>();
        for (Path folder : folders()) {
            Path file = folder.resolve("src/main/java/module-info.java");
            if (Files.exists(file)) {
                declared.put(folder.getFileName().toString(), declaredName(file));
            }
        }
        return declared;
    }

    /** The main source files that hold a class, by the folder of their module. */
    Map<String, List<Path>> mainSources() {
        Map<String, List<Path>> sources = new TreeMap<>();
        for (Path folder : folders()) {
            sources.put(
                    folder.getFileName().toString(), javaFiles(folder.resolve("src/main/java")));
        }
        return sources;
    }

    /** The module that a package belongs to: the first three parts of its name. */
    static String moduleOf(String packageName) {
        int end = packageName.indexOf('.', PREFIX.length());
        return end < 0 ? packageName : packageName.substring(0, end);
    }

    private List<Path> folders() {
        try (Stream<Path> children = Files.list(root)) {
            return children.filter(child -> Files.isDirectory(child.resolve("src/main/java")))
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static List<Path> javaFiles(Path folder) {
        try (Stream<Path> files = Files.walk(folder)) {
            return files.filter(file -> file.toString().endsWith(".java"))
                    .filter(file ->
                            !file.endsWith("module-info.java")
                                    && !file.endsWith("package-info.java"))
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String declaredName(Path moduleInfo) {
        try {
            return Files.readString(moduleInfo)
                    .transform(text ->
                            text.replaceAll(
                                    "(?s).*?\\bmodule\\s+(org\\.iommu4j\\.[\\w.]+)\\s*\\{.*",
                                    "$1"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static List<Path> pathEntries() {
        List<Path> entries = new ArrayList<>();
        for (String property : List.of("jdk.module.path", "java.class.path")) {
            for (String entry : System.getProperty(property, "").split(File.pathSeparator, -1)) {
                if (!entry.isEmpty()) {
                    entries.add(Path.of(entry));
                }
            }
        }
        return entries;
    }

    /** Whether a directory of classes or a jar is a named module; of other jars nothing is read. */
    private static boolean holdsModule(Path entry) {
        if (Files.isDirectory(entry)) {
            return Files.exists(entry.resolve("module-info.class"));
        }
        if (!entry.toString().endsWith(".jar") || !Files.exists(entry)) {
            return false;
        }
        try (JarFile jar = new JarFile(entry.toFile())) {
            return jar.getEntry("module-info.class") != null;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Path findRoot() {
        Path folder = Path.of("").toAbsolutePath();
        while (folder != null && !Files.isDirectory(folder.resolve("machine-spi/src"))) {
            folder = folder.getParent();
        }
        if (folder == null) {
            throw new IllegalStateException("the tests run outside of the project's folders");
        }
        return folder;
    }
}
