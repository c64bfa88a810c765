package org.iommu4j.examples;

import java.nio.ByteBuffer;
import java.util.BitSet;
import java.util.Random;
import org.iommu4j.api.Access;
import org.iommu4j.api.DirtyOptions;
import org.iommu4j.api.DirtyTracking;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.Iommu;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.api.IommuOptions;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.machine.Device;
import org.iommu4j.machine.Machine;
import org.iommu4j.machine.PhysicalMemory;

/**
 * Copies a VM's memory while its device writes to it. The memory is mapped with pages of 2 MiB.
 * Tracking splits them, hitlessly, and tells by 4 KiB what was written; each round copies just
 * that. Then the device is stopped for the last round, and the tracking ends: the pages of 2 MiB
 * are whole again.
 *
 * <p>Run it: {@code ./examples/run E08}
 */
public final class E08_LiveMigration {

    private static final int PAGE = 0x1000;
    private static final int PAGES = 4096;
    private static final long HOME = 0x20_0000L;
    private static final int LIVE_ROUNDS = 20;

    private final PhysicalMemory source;
    private final PhysicalMemory copy = PhysicalMemory.allocate((long) PAGES * PAGE);
    private final IommuDomain domain;
    private final BitSet dirty = new BitSet(PAGES);
    private volatile boolean stopped;

    private E08_LiveMigration(PhysicalMemory source, IommuDomain domain) {
        this.source = source;
        this.domain = domain;
    }

    /**
     * Runs it.
     *
     * @param args none
     * @throws InterruptedException never
     */
    public static void main(String[] args) throws InterruptedException {
        IommuOptions options = IommuOptions.on("emulator", 64 << 20);
        try (Machine machine = options.machine().orElseThrow();
                Iommu iommu = Iommu.open("vtd", options)) {
            IommuDomain domain = iommu.createDomain(DomainOptions.defaults());
            domain.map(0, HOME, (long) PAGES * PAGE, Access.READ_WRITE);
            Device device = machine.devices().getFirst();
            iommu.attach(device.source(), domain);
            new E08_LiveMigration(machine.memory(), domain).migrate(device);
        }
    }

    private void migrate(Device device) throws InterruptedException {
        System.out.println("leaves before: " + domain.statistics().leaves());
        try (DirtyTracking tracking = domain.trackDirty(new DirtyOptions(PAGE, false, true))) {
            System.out.println("leaves while writes are tracked: " + domain.statistics().leaves());
            Thread dma = Thread.ofPlatform().start(() -> write(device));
            dirty.set(0, PAGES); // the first round copies everything
            for (int round = 0; round < LIVE_ROUNDS; round++) {
                copyDirty();
                readDirty(tracking);
            }
            stopped = true;
            dma.join();
            readDirty(tracking);
            copyDirty();
        }
        System.out.println("leaves after: " + domain.statistics().leaves());
        System.out.println("the copy is equal: " + isEqual());
    }

    /** What is reported may be copied when the sync has completed: then no write goes unnoticed. */
    private void readDirty(DirtyTracking tracking) {
        IotlbGather gather = domain.gather();
        tracking.readAndClear(
                0,
                (long) PAGES * PAGE,
                (iova, size) -> dirty.set((int) (iova / PAGE), (int) ((iova + size) / PAGE)),
                gather);
        domain.sync(gather).await();
    }

    private void copyDirty() {
        dirty.stream()
                .forEach(page -> {
                    for (long at = (long) page * PAGE; at < (page + 1L) * PAGE; at += Long.BYTES) {
                        copy.storePlain(at, source.loadPlain(HOME + at));
                    }
                });
        dirty.clear();
    }

    private boolean isEqual() {
        for (long at = 0; at < (long) PAGES * PAGE; at += Long.BYTES) {
            if (copy.loadPlain(at) != source.loadPlain(HOME + at)) {
                return false;
            }
        }
        return true;
    }

    /** Writes random words, as fast as it can. */
    private void write(Device device) {
        Random random = new Random(8);
        ByteBuffer word = ByteBuffer.allocate(Long.BYTES);
        while (!stopped) {
            word.clear().putLong(random.nextLong()).flip();
            device.write((long) random.nextInt(PAGES) * PAGE, word);
        }
    }
}
