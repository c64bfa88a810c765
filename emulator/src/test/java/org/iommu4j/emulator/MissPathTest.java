package org.iommu4j.emulator;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.function.LongConsumer;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What it costs to make a unit forget, and a DMA whose translation it has forgotten: no object. */
class MissPathTest {

    private static final int PAGES = 64;
    private static final int ROUNDS = 50_000;

    /* The reading of the counter itself, and of what the compiler does on this thread. */
    private static final long NOTHING = 4096;

    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void anInvalidationThroughTheQueueAllocatesNothing(boolean leavesOnly) {
        try (Rig rig = new Rig(Rig.options())) {
            rig.attach(48);
            int hint = leavesOnly ? 1 << 6 : 0;
            assertThat(
                            allocated(iova -> {
                                rig.submit((long) Rig.DOMAIN << 16 | 3 << 4 | 2, iova | hint);
                                rig.submit(iova << 32 | 1 << 5 | 5, rig.status);
                            }))
                    .isLessThan(NOTHING);
        }
    }

    /* The least of some rounds: the first run before everything is compiled. */
    private static long allocated(LongConsumer step) {
        long least = Long.MAX_VALUE;
        for (int round = 0; round < 5; round++) {
            long before = THREADS.getCurrentThreadAllocatedBytes();
            for (int i = 0; i < ROUNDS; i++) {
                step.accept(i % PAGES * Rig.KIB4);
            }
            least = Math.min(least, THREADS.getCurrentThreadAllocatedBytes() - before);
        }
        return least;
    }
}
