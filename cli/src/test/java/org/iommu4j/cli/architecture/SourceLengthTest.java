package org.iommu4j.cli.architecture;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.iommu4j.cli.architecture.SourceOutline.Method;
import org.junit.jupiter.api.Test;

/**
 * How long a file and a method may be. What wants to be longer wants a collaborator with a name.
 */
class SourceLengthTest {
    private static final int FILE_LINES = 500;
    private static final int METHOD_LINES = 60;

    private final BuiltModules modules = BuiltModules.found();

    @Test
    void noFileIsLongerThan500Lines() throws IOException {
        List<String> tooLong = new ArrayList<>();
        for (Map.Entry<String, List<Path>> module : sources().entrySet()) {
            for (Path file : module.getValue()) {
                int lines = Files.readAllLines(file).size();
                if (lines > FILE_LINES) {
                    tooLong.add(modules.root().relativize(file) + ": " + lines + " lines");
                }
            }
        }
        assertThat(tooLong).isEmpty();
    }

    @Test
    void noMethodIsLongerThan60Lines() throws IOException {
        List<String> tooLong = new ArrayList<>();
        for (Map.Entry<String, List<Path>> module : sources().entrySet()) {
            int methods = 0;
            for (Path file : module.getValue()) {
                for (Method method : SourceOutline.methods(Files.readString(file))) {
                    methods++;
                    if (method.lines() > METHOD_LINES) {
                        tooLong.add(
                                modules.root().relativize(file)
                                        + ":"
                                        + method.line()
                                        + ": a method of "
                                        + method.lines()
                                        + " lines");
                    }
                }
            }
            assertThat(methods).as("methods read of %s", module.getKey()).isPositive();
        }
        assertThat(tooLong).isEmpty();
    }

    @Test
    void theOutlineSeesMethodsOfEveryKind() {
        String source =
                """
                package p;
                /** { not this } */
                public final class C {
                    private static final int[] VALUES = {1, 2};
                    private final Runnable r = () -> {
                        run();
                    };
                    private final Object o = new Object() {
                        @Override
                        public String toString() {
                            return "}";
                        }
                    };
                    static {
                        char c = '{';
                    }
                    C(int x)
                            throws E {
                        if (x > 0) {
                            for (;;) {}
                        }
                    }
                    record R(int a) {
                        R {
                            check(a); // {
                        }
                    }
                    abstract int f();
                    @Deprecated(since = "1")
                    void one() {}
                }
                """;
        assertThat(SourceOutline.methods(source))
                .containsExactly(
                        new Method(9, 4),
                        new Method(14, 3),
                        new Method(17, 6),
                        new Method(24, 3),
                        new Method(29, 2));
    }

    /** The main sources of every module, of each at least one. */
    private Map<String, List<Path>> sources() {
        Map<String, List<Path>> sources = modules.mainSources();
        assertThat(sources.keySet()).containsAll(modules.declaredModules().keySet());
        sources.forEach(
                (module, files) -> assertThat(files).as("source files of %s", module).isNotEmpty());
        return sources;
    }
}
