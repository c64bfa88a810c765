package org.iommu4j.vtd;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import org.iommu4j.api.Access;
import org.iommu4j.api.Attachment;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.Iommu;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.api.IommuOptions;
import org.iommu4j.emulator.EmulatedMachine;
import org.iommu4j.emulator.EmulatorOptions;
import org.iommu4j.flush.FlushPolicyProvider;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * What an unmap costs of which the unit hears before it returns: no object, neither in the driver
 * nor in the unit, which works its queue off on the same thread.
 */
class UnmapAllocationTest {

    private static final int PAGES = 64;
    private static final int UNMAPS = 50_000;

    /* The reading of the counter itself, and of what the compiler does on this thread. */
    private static final long NOTHING = 4096;

    private static final long PAGE = 4096;
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    @ParameterizedTest
    @EnumSource
    void anUnmapThatTheUnitHearsOfAllocatesNothing(UnitMode mode) {
        EmulatorOptions unit = mode.of(EmulatorOptions.legacy().memory(1 << 28).sanitizer(false));
        try (EmulatedMachine machine = EmulatedMachine.create(unit);
                Iommu iommu =
                        Iommu.open(
                                "vtd",
                                IommuOptions.on(machine)
                                        .with(FlushPolicyProvider.class, "strict"));
                IommuDomain domain = iommu.createDomain(DomainOptions.defaults());
                Attachment _ = iommu.attach(machine.devices().getFirst().source(), domain)) {
            long before = domain.statistics().invalidations().page();

            assertThat(allocated(domain)).isLessThan(NOTHING);
            assertThat(domain.statistics().invalidations().page() - before)
                    .isGreaterThanOrEqualTo(UNMAPS);
        }
    }

    /* The least of some rounds: the first run before everything is compiled. */
    private static long allocated(IommuDomain domain) {
        domain.map(0, 0, PAGES * PAGE, Access.READ_WRITE);
        long least = Long.MAX_VALUE;
        for (int round = 0; round < 5; round++) {
            long before = THREADS.getCurrentThreadAllocatedBytes();
            for (int i = 0; i < UNMAPS; i++) {
                long iova = i % PAGES * PAGE;
                domain.unmap(iova, PAGE);
                domain.map(iova, iova, PAGE, Access.READ_WRITE);
            }
            least = Math.min(least, THREADS.getCurrentThreadAllocatedBytes() - before);
        }
        domain.unmap(0, PAGES * PAGE);
        return least;
    }
}
