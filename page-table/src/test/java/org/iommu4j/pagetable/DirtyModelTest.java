package org.iommu4j.pagetable;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.SplittableRandom;
import org.iommu4j.api.Access;
import org.iommu4j.api.DirtyOptions;
import org.iommu4j.api.DirtyTracking;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.walker.PageTableFormat;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Random calls while a device writes that caches all it may: each write must be in a report whose
 * sync completes after it. {@code -Diommu4j.long=true} plays a hundred times as many seeds; {@code
 * -Diommu4j.seed=N} begins at another one.
 */
class DirtyModelTest {

    private static final boolean LONG = Boolean.getBoolean("iommu4j.long");
    private static final long SEED = Long.getLong("iommu4j.seed", 20_233);
    private static final int SEEDS = LONG ? 1_000 : 10;
    private static final int CALLS = 3_000;
    private static final int CALLS_PER_CHECK = 250;

    @ParameterizedTest
    @CsvSource({
        "tiny, 0, false",
        "tiny, 0, true",
        "tiny, 1, false",
        "tiny, 1, true",
        "tiny, 2, false",
        "large, 0, true",
        "large, 1, false",
        "large, 1, true"
    })
    void D1_D4_C3_everyWriteIsReported(String format, int level, boolean lazily) {
        PageTableFormat chosen =
                format.equals("tiny") ? TestFormats.tiny() : TestFormats.secondStage(3);
        for (long seed = SEED; seed < SEED + SEEDS; seed++) {
            DirtyOptions options =
                    new DirtyOptions(1L << chosen.shift(level), lazily, (seed & 1) == 0);
            for (boolean caches : new boolean[] {false, true}) {
                try {
                    new Game(chosen, options, caches, seed).play();
                } catch (AssertionError | RuntimeException e) {
                    throw new AssertionError("seed " + seed + ", caches " + caches + ": " + e, e);
                }
            }
        }
    }

    /** One domain, three gathers, one device. */
    private static final class Game {

        private final PageTableFormat format;
        private final SplittableRandom random;
        private final TestDomain domain;
        private final WritingDevice device;
        private final Writes writes = new Writes();
        private final DirtyTracking tracking;
        private final IotlbGather[] gathers = new IotlbGather[3];
        private final long reach;

        Game(PageTableFormat format, DirtyOptions options, boolean caches, long seed) {
            this.format = format;
            this.random = new SplittableRandom(seed);
            this.domain = TestDomain.on(format).emptyTables((int) (seed % 3)).open();
            this.reach = 2L << format.shift(2);
            domain.stopRecording();
            domain.map(0, 0, reach / 2, Access.READ_WRITE);
            this.tracking = domain.trackDirty(options);
            this.device = new WritingDevice(format, domain.memory(), domain.root(), caches);
            for (int i = 0; i < gathers.length; i++) {
                gathers[i] = domain.gather();
            }
        }

        void play() {
            for (int i = 1; i <= CALLS; i++) {
                call(random.nextInt(100), gathers[random.nextInt(gathers.length)]);
                if (i % CALLS_PER_CHECK == 0) {
                    requireCovered();
                }
            }
            tracking.close();
            domain.closeAndCheck();
        }

        private void call(int percent, IotlbGather gather) {
            int level = random.nextInt(10) < 6 ? 0 : random.nextInt(1, 3);
            long unit = 1L << format.shift(level);
            long iova = random.nextLong(reach / unit) * unit;
            long size = Math.min(reach - iova, unit * random.nextInt(1, 4));
            if (percent < 45) {
                long place = iova & -(1L << format.shift(0));
                if (device.write(place)) {
                    writes.written(place);
                }
            } else if (percent < 58) {
                domain.tryMap(iova, iova, size, Access.READ_WRITE, gather);
            } else if (percent < 66) {
                domain.unmap(iova, size, gather);
            } else if (percent < 72) {
                domain.split(iova, Math.min(size, 4L << format.shift(1)), smallest(), gather);
            } else if (percent < 76) {
                domain.cut(iova, size, gather);
            } else if (percent < 84) {
                domain.coalesce(0, reach, gather);
            } else if (percent < 92) {
                tracking.readAndClear(iova, size, writes.into(gather), gather);
            } else {
                sync(gather);
            }
        }

        private long smallest() {
            return 1L << format.shift(random.nextInt(3) == 0 ? 1 : 0);
        }

        private void sync(IotlbGather gather) {
            device.invalidate(gather);
            domain.sync(gather).await();
            writes.synced(gather);
        }

        private void requireCovered() {
            for (IotlbGather gather : gathers) {
                sync(gather);
            }
            tracking.readAndClear(0, reach, writes.into(gathers[0]), gathers[0]);
            sync(gathers[0]);
            assertThat(writes.uncovered().cardinality()).as("pages in no report").isZero();
        }
    }
}
