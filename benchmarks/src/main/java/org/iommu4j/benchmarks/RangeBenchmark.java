package org.iommu4j.benchmarks;

import static org.iommu4j.benchmarks.BusyDomain.HUGE;
import static org.iommu4j.benchmarks.BusyDomain.IOVA;
import static org.iommu4j.benchmarks.BusyDomain.LARGE;
import static org.iommu4j.benchmarks.BusyDomain.PAGE;

import org.iommu4j.api.DomainOptions;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** Maps ranges of one size, or unmaps them; what undoes it is not measured. */
public class RangeBenchmark {

    /** What is mapped, how often a sample, and what else is in the tables. */
    public enum Shape {
        PAGE_4K(128, PAGE, PAGE, LARGE / 2),
        PAGE_4K_NON_COHERENT(128, PAGE, PAGE, LARGE / 2),
        PAGES_64K(16, 16 * PAGE, 16 * PAGE, LARGE / 2),
        PAGES_1M(32, LARGE / 2, LARGE, LARGE / 2),
        PAGE_4K_COLD(32, PAGE, LARGE, 0),
        PAGES_2M(32, LARGE, LARGE, 0),
        PAGES_2M_NON_COHERENT(32, LARGE, LARGE, 0),
        PAGES_1G(1, HUGE, HUGE, 0),
        LEAF_2M(128, LARGE, LARGE, HUGE / 2),
        LEAF_1G(32, HUGE, HUGE, 128 * HUGE);

        private final int calls;
        private final long size;
        private final long stride;
        private final long neighbour;

        /**
         * @param neighbour how far from each table's range something stays mapped in it, so that
         *     the table stays too; 0 if it is to come and go
         */
        Shape(int calls, long size, long stride, long neighbour) {
            this.calls = calls;
            this.size = size;
            this.stride = stride;
            this.neighbour = neighbour;
        }

        int calls() {
            return calls;
        }

        boolean tablesGo() {
            return neighbour == 0;
        }

        private BusyDomain open(DomainOptions options) {
            DomainOptions small =
                    size < LARGE || tablesGo() ? options.withPageSizes(PAGE) : options;
            return name().endsWith("NON_COHERENT")
                    ? BusyDomain.nonCoherent(small)
                    : BusyDomain.coherent(small);
        }

        private void mapNeighbours(BusyDomain domain) {
            for (int i = 0; neighbour != 0 && i < calls; i++) {
                long iova = IOVA + (i * stride & -2 * neighbour) + neighbour;
                if (domain.domain.mappingAt(iova).isEmpty()) {
                    domain.map(iova, neighbour < HUGE / 2 ? PAGE : size);
                }
            }
        }

        private void map(BusyDomain domain) {
            for (int i = 0; i < calls; i++) {
                domain.map(IOVA + i * stride, size);
            }
        }

        private void unmap(BusyDomain domain) {
            for (int i = 0; i < calls; i++) {
                domain.unmap(IOVA + i * stride, size);
            }
        }
    }

    /** A domain and the ranges in it. */
    @State(Scope.Thread)
    public abstract static class Ranges extends TableSettings {

        /** What is measured. */
        @Param public Shape shape = Shape.PAGE_4K;

        @SuppressWarnings("NullAway.Init") // JMH calls open() first
        BusyDomain domain;

        /** Makes the domain. */
        @Setup(Level.Trial)
        public void open() {
            domain = shape.open(options());
            shape.mapNeighbours(domain);
        }

        /** Closes the domain. */
        @TearDown(Level.Trial)
        public void close() {
            domain.close();
        }
    }

    /** The ranges are free. */
    public static class Free extends Ranges {

        /** Unmaps them. */
        @Setup(Level.Invocation)
        public void prepare() {
            shape.unmap(domain);
        }
    }

    /** The ranges are mapped. */
    public static class Mapped extends Ranges {

        /** Maps them again. */
        @Setup(Level.Invocation)
        public void prepare() {
            shape.map(domain);
        }
    }

    /** Maps each range. */
    @Benchmark
    public void map(Free ranges) {
        ranges.shape.map(ranges.domain);
    }

    /** Unmaps each range. */
    @Benchmark
    public void unmap(Mapped ranges) {
        ranges.shape.unmap(ranges.domain);
    }
}
