package org.iommu4j.emulator;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.iommu4j.machine.Device;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a DMA costs whose translation is in the IOTLB: no object, with or without the sanitizer. */
class HitPathTest {

    private static final int PAGES = 64;
    private static final int DMAS = 100_000;

    /* The reading of the counter itself, and of what the compiler does on this thread. */
    private static final long NOTHING = 4096;

    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private final ByteBuffer buffer = ByteBuffer.allocateDirect(64).order(ByteOrder.LITTLE_ENDIAN);

    @ParameterizedTest
    @ValueSource(longs = {Rig.KIB4, Rig.MIB2})
    void aHitAllocatesNothing(long pageSize) {
        try (Rig rig = new Rig(Rig.options().memory(1 << 28))) {
            long root = rig.attach(48);
            for (long i = 0; i < PAGES; i++) {
                rig.map(root, 48, i * pageSize, i * pageSize, pageSize, Rig.RW);
            }
            assertThat(allocated(rig.device, pageSize)).isLessThan(NOTHING);
        }
    }

    @Test
    void norWhereTheSanitizerLooksOn() {
        try (HandDriver driver = new HandDriver(EmulatorOptions.legacy().memory(1 << 28))) {
            driver.attach();
            for (long i = 0; i < PAGES; i++) {
                driver.mapPage(i * Rig.KIB4, i * Rig.KIB4);
            }
            assertThat(allocated(driver.device, Rig.KIB4)).isLessThan(NOTHING);
            assertThat(driver.sanitizer().count()).isZero();
        }
    }

    @Test
    void norOfFirstStageNorWithAPasid() {
        EmulatorOptions options = ScalableRig.options().memory(1 << 28);
        try (ScalableRig rig = new ScalableRig(options)) {
            rig.enable();
            long root = rig.firstStage(9, ScalableRig.DOMAIN, 4);
            for (long i = 0; i < PAGES; i++) {
                rig.mapFirst(root, 4, i << 12, i << 12, Rig.KIB4, ScalableRig.USER_RW);
            }
            rig.context(rig.directory | 1 << 3 | 1, 9);
            assertThat(allocated(rig.device, Rig.KIB4)).isLessThan(NOTHING);
            assertThat(allocated(rig.device.withPasid(9), Rig.KIB4)).isLessThan(NOTHING);
        }
        EmulatorOptions watched = EmulatorOptions.legacy().memory(1 << 28).scalable(true);
        try (HandDriver driver = new HandDriver(watched)) {
            driver.attach();
            for (long i = 0; i < PAGES; i++) {
                driver.mapPage(i * Rig.KIB4, i * Rig.KIB4);
            }
            assertThat(allocated(driver.device, Rig.KIB4)).isLessThan(NOTHING);
            assertThat(driver.sanitizer().count()).isZero();
        }
    }

    /* The least of some rounds: the first fill the caches, and run before anything is compiled. */
    private long allocated(Device device, long pageSize) {
        long least = Long.MAX_VALUE;
        for (int round = 0; round < 5; round++) {
            long before = THREADS.getCurrentThreadAllocatedBytes();
            for (int i = 0; i < DMAS; i++) {
                dma(device, i % PAGES * pageSize, i % 3);
            }
            least = Math.min(least, THREADS.getCurrentThreadAllocatedBytes() - before);
        }
        return least;
    }

    private void dma(Device device, long iova, int kind) {
        buffer.clear();
        boolean done =
                switch (kind) {
                    case 0 -> device.read(iova, buffer).isDone();
                    case 1 -> device.write(iova, buffer).isDone();
                    default -> device.fetchAndAdd(iova, 1, buffer).isDone();
                };
        if (!done) {
            throw new AssertionError("blocked at 0x" + Long.toHexString(iova));
        }
    }
}
