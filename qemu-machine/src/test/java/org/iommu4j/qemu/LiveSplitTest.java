package org.iommu4j.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.iommu4j.qemu.QemuWorld.G1;
import static org.iommu4j.qemu.QemuWorld.M2;

import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.iommu4j.api.Access;
import org.iommu4j.api.IommuDomain;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Large leaves are split while a device writes to them, from another process: no request may be
 * blocked and no write lost. The same load with unmap and map shows that the test would see it.
 */
@Timeout(value = 30, unit = TimeUnit.MINUTES)
class LiveSplitTest {

    private static final boolean LONG = Boolean.getBoolean("iommu4j.long");
    private static final long SEED = Long.getLong("iommu4j.seed", 20_261_123L);
    private static final long PAGE = 0x1000;
    private static final long WRITTEN = 1 << 20;
    private static final int REQUEST = 512;
    private static final int PIECES = 16;
    private static final int LONGEST_PAUSE_MICROS = 400;
    private static final int MOST_TIMES = 20;

    private final Random random = new Random(SEED);
    private volatile boolean writing;
    private int blocked;
    private int lost;
    private int overlapping;

    @ParameterizedTest
    @CsvSource({"2097152, 2500", "1073741824, 1500"})
    void S1_noRequestIsBlockedAndNoWriteLostWhileALeafIsSplit(long leaf, int usual)
            throws Exception {
        int rounds = LONG ? 40 * usual : usual;
        run(leaf, rounds, this::splitOrPunch, () -> overlapping > rounds / 4);
        assertThat(blocked).as("rounds with a blocked request, seed %d", SEED).isZero();
        assertThat(lost).as("lost writes, seed %d", SEED).isZero();
        assertThat(overlapping).as("splits during writes").isGreaterThan(rounds / 4);
    }

    @ParameterizedTest
    @CsvSource({"2097152, 200", "1073741824, 200"})
    void S1_unmapAndMapIsSeen(long leaf, int rounds) throws Exception {
        run(leaf, rounds, this::unmapAndMap, () -> blocked > rounds / 20 && lost > 0);
        assertThat(blocked).as("rounds with a blocked request").isGreaterThan(rounds / 20);
        assertThat(lost).as("lost writes").isPositive();
    }

    /** What is done to a leaf while it is written to; its second half is not written to. */
    private interface Change {
        void apply(IommuDomain domain, long leaf, long size);
    }

    private void splitOrPunch(IommuDomain domain, long leaf, long size) {
        long hole = leaf + size / 2 + random.nextLong(size / 2 / PAGE) * PAGE;
        switch (random.nextInt(4)) {
            case 0 -> {
                var gather = domain.gather();
                domain.split(leaf, Math.min(size, 4 * M2), PAGE, gather);
                domain.sync(gather).await();
            }
            case 1 -> {
                var gather = domain.gather();
                domain.cut(hole, PAGE, gather);
                domain.sync(gather).await();
            }
            default -> assertThat(domain.unmap(hole, PAGE)).isEqualTo(PAGE);
        }
    }

    private void unmapAndMap(IommuDomain domain, long leaf, long size) {
        long hole = leaf + size / 2;
        long physical = domain.translate(leaf);
        domain.unmap(leaf, size);
        domain.map(leaf, physical, size / 2, Access.READ_WRITE);
        domain.map(hole + PAGE, physical + size / 2 + PAGE, size / 2 - PAGE, Access.READ_WRITE);
    }

    /** Of so many rounds or more: how often a change meets a write is up to the machine. */
    private void run(long size, int least, Change change, BooleanSupplier enough) throws Exception {
        int rounds = 0;
        QemuOptions options = QemuOptions.defaults().withMemory(G1);
        long begin = System.nanoTime();
        try (QemuWorld world = new QemuWorld(options);
                ExecutorService writer = Executors.newSingleThreadExecutor()) {
            BurstWriter device = world.machine.burstWriter();
            IommuDomain domain = world.domain();
            world.iommu.attach(device.source(), domain);
            int leaves = (int) (3 * G1 / size);
            for (;
                    rounds < least || rounds < MOST_TIMES * least && !enough.getAsBoolean();
                    rounds++) {
                long leaf = rounds % leaves * size;
                long offset = random.nextLong(size / 2 / WRITTEN) * WRITTEN;
                long physical = leaf % G1 + offset;
                domain.map(leaf, leaf % G1, size, Access.READ_WRITE);
                long word = random.nextLong();
                Future<Boolean> written = writer.submit(() -> write(device, leaf + offset, word));
                changeMeanwhile(domain, leaf, size, change, written);
                blocked += written.get() ? 0 : 1;
                lost += wrong(world, physical, word);
                domain.unmap(leaf, size);
            }
        }
        double seconds = (System.nanoTime() - begin) / 1e9;
        System.out.printf(
                "%,d leaves of 0x%x changed, %,d of them while they were written to; %,d requests of"
                        + " %d bytes in %.1f s; blocked rounds %,d, lost words %,d%n",
                rounds,
                size,
                overlapping,
                rounds * WRITTEN / REQUEST,
                REQUEST,
                seconds,
                blocked,
                lost);
    }

    private void changeMeanwhile(
            IommuDomain domain, long leaf, long size, Change change, Future<Boolean> written)
            throws InterruptedException {
        while (!writing && !written.isDone()) {
            Thread.onSpinWait();
        }
        long until = System.nanoTime() + random.nextInt(LONGEST_PAUSE_MICROS) * 1000L;
        while (System.nanoTime() < until) {
            Thread.onSpinWait();
        }
        overlapping += writing ? 1 : 0;
        change.apply(domain, leaf, size);
    }

    /** Writes in pieces, so that invalidations come in between; true if nothing was blocked. */
    private boolean write(BurstWriter device, long iova, long word) {
        boolean done = true;
        writing = true;
        long piece = WRITTEN / PIECES;
        for (int i = 0; i < PIECES; i++) {
            done &=
                    device.write(iova + i * piece, word, REQUEST, (int) (piece / REQUEST))
                            .isEmpty();
        }
        writing = false;
        return done;
    }

    private static int wrong(QemuWorld world, long physical, long word) {
        int wrong = 0;
        for (long at = physical; at < physical + WRITTEN; at += Long.BYTES) {
            wrong += world.machine.memory().loadPlain(at) == word ? 0 : 1;
        }
        return wrong;
    }
}
