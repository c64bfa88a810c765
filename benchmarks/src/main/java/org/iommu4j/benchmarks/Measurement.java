package org.iommu4j.benchmarks;

import java.util.Collection;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.results.BenchmarkResult;
import org.openjdk.jmh.results.Result;
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

    private static final String ALLOCATED = "gc.alloc.rate.norm";

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
        Collection<RunResult> results;
        try {
            results = new Runner(options(row).build()).run();
        } catch (RunnerException e) {
            throw new IllegalStateException("cannot measure \"" + row.operation() + '"', e);
        }
        double nanos = Double.MAX_VALUE;
        double bytes = Double.MAX_VALUE;
        for (RunResult result : results) {
            for (BenchmarkResult fork : result.getBenchmarkResults()) {
                nanos = Math.min(nanos, fork.getPrimaryResult().getStatistics().getMin());
                Result<?> allocated =
                        Objects.requireNonNull(
                                fork.getSecondaryResults().get(ALLOCATED), ALLOCATED);
                bytes = Math.min(bytes, allocated.getStatistics().getMin());
            }
        }
        return new Figure(row, nanos / row.calls(), bytes / row.calls());
    }

    private ChainedOptionsBuilder options(Row row) {
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
                        .addProfiler(GCProfiler.class)
                        .jvmArgsAppend(
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
