package org.iommu4j.pagetable;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.iommu4j.api.Access;
import org.iommu4j.api.DirtyOptions;
import org.iommu4j.api.DirtySink;
import org.iommu4j.api.DirtyTracking;
import org.iommu4j.api.IotlbGather;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * A device that writes, a thread that changes the tables and one that reports, at the same time.
 * {@code -Diommu4j.long=true} lets them go on fifty times as long; {@code -Diommu4j.seed=N} begins
 * at another seed.
 */
class DirtySoakTest {

    private static final boolean LONG = Boolean.getBoolean("iommu4j.long");
    private static final long SEED = Long.getLong("iommu4j.seed", 20_234);
    private static final int CHANGES = LONG ? 1_000_000 : 20_000;
    private static final long SMALL = 0x1000;
    private static final long LARGE = 0x20_0000;
    private static final long REACH = 4 * LARGE;

    private final TestDomain domain = TestDomain.on(TestFormats.secondStage(4)).open();
    private final Writes writes = new Writes();
    private final List<Throwable> thrown = new ArrayList<>();
    /* Requests of the device hold it for reading: an invalidation waits for them. */
    private final ReadWriteLock unit = new ReentrantReadWriteLock();
    private volatile boolean ended;

    @ParameterizedTest
    @CsvSource({"4096, false, false", "4096, true, true", "2097152, false, true"})
    void D1_T2_noWriteIsMissedWhileThreadsChangeAndReport(
            long granularity, boolean lazily, boolean caches) throws Exception {
        domain.stopRecording();
        domain.map(0, 0, REACH, Access.READ_WRITE);
        DirtyTracking tracking = domain.trackDirty(new DirtyOptions(granularity, lazily));
        WritingDevice device =
                new WritingDevice(domain.format(), domain.memory(), domain.root(), caches);
        Thread writer = start(() -> write(device));
        Thread reporter = start(() -> report(device, tracking));
        Thread changer = start(() -> change(device));
        changer.join();
        ended = true;
        writer.join();
        reporter.join();
        if (!thrown.isEmpty()) {
            throw new AssertionError("with seed " + SEED, thrown.getFirst());
        }
        IotlbGather last = domain.gather();
        tracking.readAndClear(0, REACH, writes.into(last), last);
        sync(device, last);
        assertThat(writes.uncovered().cardinality()).as("pages in no report").isZero();
        tracking.close();
        domain.closeAndCheck();
    }

    private Thread start(Runnable part) {
        return Thread.ofPlatform()
                .start(() -> {
                    try {
                        part.run();
                    } catch (Throwable e) {
                        ended = true;
                        synchronized (thrown) {
                            thrown.add(e);
                        }
                    }
                });
    }

    private void write(WritingDevice device) {
        SplittableRandom random = new SplittableRandom(SEED);
        while (!ended) {
            long iova = random.nextLong(REACH / SMALL) * SMALL;
            unit.readLock().lock();
            try {
                if (device.write(iova)) {
                    writes.written(iova);
                }
            } finally {
                unit.readLock().unlock();
            }
        }
    }

    private void report(WritingDevice device, DirtyTracking tracking) {
        IotlbGather gather = domain.gather();
        while (!ended) {
            tracking.readAndClear(0, REACH, sink(gather), gather);
            sync(device, gather);
        }
    }

    private DirtySink sink(IotlbGather gather) {
        unit.readLock().lock();
        try {
            return writes.into(gather);
        } finally {
            unit.readLock().unlock();
        }
    }

    private void change(WritingDevice device) {
        SplittableRandom random = new SplittableRandom(SEED + 1);
        IotlbGather gather = domain.gather();
        for (int i = 0; i < CHANGES && !ended; i++) {
            long size = random.nextInt(4) == 0 ? LARGE : SMALL * random.nextInt(1, 8);
            long iova = random.nextLong(REACH / size) * size & -SMALL;
            switch (random.nextInt(8)) {
                case 0, 1 -> domain.unmap(iova, size, gather);
                case 2, 3, 4 -> domain.tryMap(iova, iova, size, Access.READ_WRITE, gather);
                case 5 -> domain.split(iova & -LARGE, LARGE, SMALL, gather);
                case 6 -> domain.coalesce(0, REACH, gather);
                default -> sync(device, gather);
            }
        }
        sync(device, gather);
    }

    private void sync(WritingDevice device, IotlbGather gather) {
        unit.writeLock().lock();
        try {
            device.invalidate(gather);
            domain.sync(gather).await();
            writes.synced(gather);
        } finally {
            unit.writeLock().unlock();
        }
    }
}
