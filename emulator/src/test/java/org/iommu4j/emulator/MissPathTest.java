package org.iommu4j.emulator;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.util.function.LongConsumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What it costs to make a unit forget, and a DMA whose translation it has forgotten: no object. */
class MissPathTest {

    private static final int PAGES = 64;
    private static final int ROUNDS = 50_000;

    /* The reading of the counter itself, and of what the compiler does on this thread. */
    private static final long NOTHING = 4096;

    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private final ByteBuffer buffer = ByteBuffer.allocateDirect(8);

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

    /* Reads more pages by turns than the unit keeps; it knows their tables. */
    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "DROPS_ANYTHING")
    void aMissAllocatesNothing(CacheBehaviour caches) {
        EmulatorOptions options = Rig.options().caches(caches).iotlbEntries(PAGES / 4);
        try (Rig rig = new Rig(options)) {
            long root = rig.attach(48);
            for (long i = 0; i < PAGES; i++) {
                rig.map(root, 48, i * Rig.KIB4, i * Rig.KIB4, Rig.KIB4, Rig.RW);
            }
            assertThat(allocated(iova -> read(rig, iova))).isLessThan(NOTHING);
        }
    }

    /* The unit has the room, and forgets each page again. */
    @Test
    void norOneBehindAnInvalidation() {
        try (Rig rig = new Rig(Rig.options())) {
            long root = rig.attach(48);
            for (long i = 0; i < PAGES; i++) {
                rig.map(root, 48, i * Rig.KIB4, i * Rig.KIB4, Rig.KIB4, Rig.RW);
            }
            assertThat(
                            allocated(iova -> {
                                rig.submit((long) Rig.DOMAIN << 16 | 3 << 4 | 2, iova | 1 << 6);
                                read(rig, iova);
                            }))
                    .isLessThan(NOTHING);
        }
    }

    private void read(Rig rig, long iova) {
        if (!rig.device.read(iova, buffer.clear()).isDone()) {
            throw new AssertionError("blocked at 0x" + Long.toHexString(iova));
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
