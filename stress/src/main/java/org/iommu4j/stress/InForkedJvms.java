package org.iommu4j.stress;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.function.BiConsumer;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.openjdk.jcstress.JCStress;
import org.openjdk.jcstress.Options;
import org.openjdk.jcstress.infra.collectors.DiskReadCollector;
import org.openjdk.jcstress.infra.collectors.InProcessCollector;
import org.openjdk.jcstress.infra.collectors.TestResult;

/**
 * Has jcstress run tests, each in a JVM of every kind that there is: interpreted, with either
 * compiler, and with a compiler that moves instructions at random. It prints what it does.
 *
 * @param iterations how many times each test is run in each JVM
 * @param millis for how long each time
 * @param results the folder for the report; made if it is missing
 */
record InForkedJvms(int iterations, int millis, Path results) implements Runs {

    private static final String JVM =
            "--enable-native-access=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow"
                    + " -XX:+UseSerialGC";

    @Override
    public void of(Collection<String> tests, BiConsumer<String, TestResult> came) {
        try {
            Files.createDirectories(results);
            Path raw = Files.createTempFile(results, "raw", ".bin.gz");
            try {
                run(options(tests, raw));
                read(raw)
                        .forEach(result ->
                                came.accept(StressTests.shortName(result.getName()), result));
            } finally {
                Files.delete(raw);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void run(Options options) {
        try {
            new JCStress(options).run();
        } catch (AssertionError e) {
            /* Says that a test has failed. Which one, and why, is in the results. */
            System.out.println(e.getMessage());
        } catch (Exception e) {
            throw new IllegalStateException("jcstress: " + e, e);
        }
    }

    private static Collection<TestResult> read(Path raw) throws IOException {
        InProcessCollector collector = new InProcessCollector();
        DiskReadCollector reader = new DiskReadCollector(raw.toString(), collector);
        try {
            reader.dump();
        } catch (ClassNotFoundException e) {
            throw new IllegalStateException("jcstress: " + e, e);
        } finally {
            reader.close();
        }
        return collector.getTestResults();
    }

    private Options options(Collection<String> tests, Path raw) throws IOException {
        Options options =
                new Options(
                        new String[] {
                            "-t", only(tests),
                            "-r", results.toString(),
                            /* Names the file to read results from, and so the one they are written to: else that would
                             * be one in the working folder. */
                            "-p", raw.toString(),
                            "-iters", String.valueOf(iterations),
                            "-time", String.valueOf(millis),
                            "-strideSize", String.valueOf(TRIALS_BETWEEN_MEETINGS),
                            "-strideCount", String.valueOf(MEETINGS),
                            "-hs", String.valueOf(HEAP_MEGABYTES),
                            "-spinStyle", "THREAD_YIELD",
                            /* Threads go where the system puts them, and both are compiled alike. */
                            "-c", "2",
                            "-af", "NONE",
                            "-sc", "false",
                            "-f", "1",
                            "-fsm", "1",
                            "-jvmArgsPrepend", JVM
                        });
        if (!options.parse()) {
            throw new IllegalStateException("jcstress cannot run here, and says why above");
        }
        return options;
    }

    private static String only(Collection<String> tests) {
        return tests.stream()
                .map(name -> Pattern.quote(StressTests.longName(name)))
                .collect(Collectors.joining("|", "^(", ")$"));
    }
}
