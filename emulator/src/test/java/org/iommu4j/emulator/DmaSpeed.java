package org.iommu4j.emulator;

import java.nio.ByteBuffer;
import java.util.Locale;
import org.iommu4j.machine.Device;
import org.iommu4j.machine.SourceId;

/**
 * Prints how fast devices do DMA: with hits and with misses of the IOTLB. A program, not a test:
 * its figures depend on the machine.
 */
final class DmaSpeed {

    private static final int ROUNDS = 5;
    private static final int PASID = 9;
    private static final EmulatorOptions OPTIONS = EmulatorOptions.legacy().iotlbEntries(4096);

    private DmaSpeed() {}

    public static void main(String[] arguments) {
        for (int bytes : new int[] {8, 64}) {
            for (boolean write : new boolean[] {false, true}) {
                for (boolean direct : new boolean[] {false, true}) {
                    measure("hits", 256, bytes, write, direct);
                }
            }
        }
        measure("misses", 1 << 16, 8, false, false);
        measureFirstStage(SourceId.NO_PASID);
        measureFirstStage(PASID);
    }

    private static void measure(String what, int pages, int bytes, boolean write, boolean direct) {
        try (Rig rig = new Rig(OPTIONS)) {
            long root = rig.attach(48);
            for (long i = 0; i < pages; i++) {
                rig.map(root, 48, i << 12, (i & 0xfff) << 12, Rig.KIB4, Rig.RW);
            }
            measure(what, rig.device, pages, bytes, write, direct);
        }
    }

    private static void measureFirstStage(int pasid) {
        try (ScalableRig rig = new ScalableRig(OPTIONS)) {
            rig.enable();
            long root = rig.firstStage(PASID, ScalableRig.DOMAIN, 4);
            rig.context(rig.directory | 1 << 3 | 1, PASID);
            for (long i = 0; i < 256; i++) {
                rig.mapFirst(root, 4, i << 12, i << 12, Rig.KIB4, ScalableRig.USER_RW);
            }
            boolean plain = pasid == SourceId.NO_PASID;
            Device device = plain ? rig.device : rig.device.withPasid(pasid);
            String what = plain ? "first stage, hits" : "with a PASID, hits";
            measure(what, device, 256, 8, true, false);
        }
    }

    private static void measure(
            String what, Device device, int pages, int bytes, boolean write, boolean direct) {
        ByteBuffer buffer = direct ? ByteBuffer.allocateDirect(64) : ByteBuffer.allocate(64);
        buffer.limit(bytes);
        long best = Long.MAX_VALUE;
        int count = 4_000_000;
        for (int round = 0; round < ROUNDS; round++) {
            long start = System.nanoTime();
            run(device, buffer, pages, count, write);
            best = Math.min(best, System.nanoTime() - start);
        }
        System.out.printf(
                Locale.ROOT,
                "%s, %s of %d bytes, %s buffer: %.1f million/s%n",
                what,
                write ? "writes" : "reads",
                bytes,
                direct ? "direct" : "heap",
                count * 1e3 / best);
    }

    private static void run(Device device, ByteBuffer buffer, int pages, int count, boolean write) {
        long state = 1;
        for (int i = 0; i < count; i++) {
            state = state * 6364136223846793005L + 1442695040888963407L;
            long iova = (state >>> 33 & pages - 1) << 12 | state >>> 20 & 0xfc0;
            buffer.position(0);
            if (write) {
                device.write(iova, buffer);
            } else {
                device.read(iova, buffer);
            }
        }
    }
}
