package org.iommu4j.emulator;

import java.nio.ByteBuffer;
import java.util.Locale;

/**
 * Prints how fast devices do DMA: with hits and with misses of the IOTLB. A program, not a test:
 * its figures depend on the machine.
 */
final class DmaSpeed {

    private static final int ROUNDS = 5;

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
    }

    private static void measure(String what, int pages, int bytes, boolean write, boolean direct) {
        EmulatorOptions options = EmulatorOptions.defaults().iotlbEntries(4096);
        try (Rig rig = new Rig(options)) {
            long root = rig.attach(48);
            for (long i = 0; i < pages; i++) {
                rig.map(root, 48, i << 12, (i & 0xfff) << 12, Rig.KIB4, Rig.RW);
            }
            ByteBuffer buffer = direct ? ByteBuffer.allocateDirect(64) : ByteBuffer.allocate(64);
            buffer.limit(bytes);
            long best = Long.MAX_VALUE;
            int count = 4_000_000;
            for (int round = 0; round < ROUNDS; round++) {
                long start = System.nanoTime();
                run(rig, buffer, pages, count, write);
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
    }

    private static void run(Rig rig, ByteBuffer buffer, int pages, int count, boolean write) {
        long state = 1;
        for (int i = 0; i < count; i++) {
            state = state * 6364136223846793005L + 1442695040888963407L;
            long iova = (state >>> 33 & pages - 1) << 12 | state >>> 20 & 0xfc0;
            buffer.position(0);
            if (write) {
                rig.device.write(iova, buffer);
            } else {
                rig.device.read(iova, buffer);
            }
        }
    }
}
