package org.iommu4j.benchmarks;

import com.sun.management.ThreadMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Objects;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * Notes the least that one call of a benchmark allocates on its thread, with what prepares the
 * call. JMH's own profiler counts what JMH allocates too.
 */
@State(Scope.Thread)
public abstract class Allocation {

    /** The property that names the file to which each thread adds a line with its figure. */
    static final String FILE = "org.iommu4j.benchmarks.allocation";

    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private long before;
    private long least = Long.MAX_VALUE;

    /** For JMH. */
    protected Allocation() {}

    /** Begins to count. */
    @Setup(Level.Invocation)
    public void begin() {
        before = THREADS.getCurrentThreadAllocatedBytes();
    }

    /** Has counted. */
    @TearDown(Level.Invocation)
    public void end() {
        least = Math.min(least, THREADS.getCurrentThreadAllocatedBytes() - before);
    }

    /**
     * Writes it down.
     *
     * @throws IOException if that fails
     */
    @TearDown(Level.Trial)
    public void write() throws IOException {
        String file = Objects.requireNonNull(System.getProperty(FILE), FILE);
        Files.writeString(Path.of(file), least + "\n", StandardOpenOption.APPEND);
    }
}
