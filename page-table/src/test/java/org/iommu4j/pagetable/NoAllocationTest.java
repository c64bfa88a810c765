package org.iommu4j.pagetable;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.List;
import org.iommu4j.api.Access;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.IotlbGather;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

/** Operations that change tables allocate nothing on the Java heap, whatever way they take. */
class NoAllocationTest {

    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private static final long PAGE = 0x1000;
    private static final long LARGE = 1L << 21;
    private static final long HUGE = 1L << 30;
    private static final long OUT = 64 * HUGE;
    private static final int ROUNDS = 60;
    private static final int CALLS = 100;

    /** A few calls that leave the domain as it was. */
    record Calls(String name, int emptyTables, Body body) {

        @Override
        public String toString() {
            return name + ", " + emptyTables + " empty tables";
        }
    }

    interface Body {
        void run(TestDomain domain, IotlbGather gather);
    }

    @SuppressWarnings("unused")
    private static final List<Calls> CALLS_OF_EVERY_KIND =
            List.of(
                    new Calls("a page", 64, (domain, gather) -> mapAndUnmap(domain, gather, PAGE)),
                    new Calls(
                            "its table too",
                            0,
                            (domain, gather) -> mapAndUnmap(domain, gather, PAGE)),
                    new Calls(
                            "pages",
                            64,
                            (domain, gather) -> mapAndUnmap(domain, gather, 16 * PAGE)),
                    new Calls("across tables", 0, NoAllocationTest::acrossTables),
                    new Calls(
                            "a large leaf",
                            64,
                            (domain, gather) -> mapAndUnmap(domain, gather, LARGE)),
                    new Calls(
                            "a huge leaf",
                            0,
                            (domain, gather) -> mapAndUnmap(domain, gather, HUGE)),
                    new Calls("split and merged", 0, NoAllocationTest::splitAndMerged),
                    new Calls("a page out of a large leaf", 0, NoAllocationTest::punchLarge),
                    new Calls("a page out of a huge leaf", 0, NoAllocationTest::punchHuge),
                    new Calls("translated", 0, NoAllocationTest::translated));

    @ParameterizedTest
    @FieldSource("CALLS_OF_EVERY_KIND")
    void nothingIsAllocated(Calls calls) {
        TestDomain domain =
                TestDomain.on(TestFormats.secondStage(4))
                        .options(DomainOptions.defaults().withEmptyTables(calls.emptyTables))
                        .open();
        domain.stopRecording();
        IotlbGather gather = domain.gather();
        long least = Long.MAX_VALUE;
        for (int round = 0; round < ROUNDS; round++) {
            long before = THREADS.getCurrentThreadAllocatedBytes();
            for (int i = 0; i < CALLS; i++) {
                calls.body.run(domain, gather);
            }
            least = Math.min(least, THREADS.getCurrentThreadAllocatedBytes() - before);
        }
        assertThat(least).as("bytes for %d times %s", CALLS, calls).isLessThan(CALLS);
        domain.closeAndCheck();
    }

    private static void mapAndUnmap(TestDomain domain, IotlbGather gather, long size) {
        domain.map(HUGE, OUT, size, Access.READ_WRITE);
        unmap(domain, gather, HUGE, size);
    }

    private static void acrossTables(TestDomain domain, IotlbGather gather) {
        domain.map(HUGE - 3 * PAGE, OUT, 7 * PAGE, Access.READ_WRITE);
        unmap(domain, gather, HUGE - 3 * PAGE, 7 * PAGE);
    }

    private static void splitAndMerged(TestDomain domain, IotlbGather gather) {
        domain.map(HUGE, OUT, LARGE, Access.READ_WRITE);
        domain.split(HUGE, LARGE, PAGE, gather);
        domain.sync(gather);
        require(domain.coalesce(HUGE, LARGE, gather) == 512);
        domain.sync(gather);
        unmap(domain, gather, HUGE, LARGE);
    }

    private static void punchLarge(TestDomain domain, IotlbGather gather) {
        domain.map(HUGE, OUT, LARGE, Access.READ_WRITE);
        unmap(domain, gather, HUGE + 5 * PAGE, PAGE);
        unmap(domain, gather, HUGE, LARGE);
    }

    private static void punchHuge(TestDomain domain, IotlbGather gather) {
        domain.map(HUGE, OUT, HUGE, Access.READ_WRITE);
        unmap(domain, gather, HUGE + LARGE - PAGE, 2 * PAGE);
        unmap(domain, gather, HUGE, HUGE);
    }

    private static void translated(TestDomain domain, IotlbGather gather) {
        domain.map(HUGE, OUT, LARGE, Access.READ_WRITE);
        require(domain.translate(HUGE + 0x123) == OUT + 0x123);
        unmap(domain, gather, HUGE, LARGE);
    }

    /* Allocates nothing, as other assertions do. */
    private static void require(boolean holds) {
        if (!holds) {
            throw new AssertionError();
        }
    }

    private static void unmap(TestDomain domain, IotlbGather gather, long iova, long size) {
        domain.unmap(iova, size, gather);
        domain.sync(gather);
    }
}
