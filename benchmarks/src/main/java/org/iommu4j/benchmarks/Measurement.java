package org.iommu4j.benchmarks;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;

/**
 * Runs one row under JMH. One thread's samples are timed one by one, and the least counts, as with
 * the peers; of several threads the best iteration counts, so that each thread's samples lie beside
 * the others'.
 */
final class Measurement {

    private final Effort effort;

    Measurement(Effort effort) {
        this.effort = effort;
        /* Runs of several people on one machine disturb each other, and still tell something. */
        System.setProperty("jmh.ignoreLock", "true");
    }

    /**
     * Measures a row once.
     *
     * @throws IllegalStateException if JMH cannot run it
     */
    Figure of(Row row) {
        try {
            Path allocation = Files.createTempFile("allocation", ".txt");
            try {
                return measure(row, allocation);
            } finally {
                Files.delete(allocation);
            }
        } catch (RunnerException | IOException e) {
            throw new IllegalStateException("cannot measure \"" + row.operation() + '"', e);
        }
    }

    private Figure measure(Row row, Path allocation) throws RunnerException, IOException {
        System.setProperty(Allocation.FILE, allocation.toString());
        double nanos = Double.MAX_VALUE;
        for (RunResult result : new Runner(options(row, allocation).build()).run()) {
            nanos = Math.min(nanos, result.getPrimaryResult().getStatistics().getMin());
        }
        long bytes = 0;
        for (String line : Files.readAllLines(allocation)) {
            bytes = Math.max(bytes, Long.parseLong(line));
        }
        return new Figure(row, nanos / row.calls(), (double) bytes / row.calls());
    }

    private ChainedOptionsBuilder options(Row row, Path allocation) {
        String name = Measurement.class.getPackageName() + '.' + row.benchmark();
        TimeValue iteration = TimeValue.milliseconds(effort.iteration().toMillis());
        ChainedOptionsBuilder options =
                new OptionsBuilder()
                        .include('^' + Pattern.quote(name) + '$')
                        .mode(row.threads() == 1 ? Mode.SampleTime : Mode.AverageTime)
                        .timeUnit(TimeUnit.NANOSECONDS)
                        .threads(row.threads())
                        .forks(effort.forked() ? 1 : 0)
                        .warmupIterations(effort.warmups())
                        .warmupTime(iteration)
                        .measurementIterations(effort.measurements())
                        .measurementTime(iteration)
                        .jvmArgsAppend(
                                "-D" + Allocation.FILE + '=' + allocation,
                                "--enable-native-access=ALL-UNNAMED",
                                "--sun-misc-unsafe-memory-access=allow",
                                "-Xms256m",
                                "-Xmx256m")
                        .verbosity(VerboseMode.SILENT)
                        .shouldFailOnError(true);
        row.parameters().forEach(options::param);
        return options;
    }
}
