package org.iommu4j.inspector;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import org.iommu4j.machine.PhysicalMemory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Memory that leads everywhere and back: each inspection ends soon and says what it left out. */
@Timeout(120)
class HostileImageTest {

    @ParameterizedTest
    @ValueSource(longs = {1, 2})
    void randomBytesEndInAReport(long seed) {
        PhysicalMemory memory = PhysicalMemory.allocate(4 << 20);
        Random random = new Random(seed);
        for (long at = 0; at < memory.size(); at += 8) {
            // Addresses that stay inside, so that everything leads somewhere.
            memory.storeRelease(at, random.nextLong() & 0x3f_ffffL | random.nextInt(4));
        }
        for (Mode mode : Mode.values()) {
            Inspection inspection =
                    Inspection.of(
                            PhysicalView.of(memory),
                            RootPointer.of(0x5000, mode),
                            46,
                            Progress.NONE);
            assertThat(inspection.hasErrors()).as("seed %d, %s", seed, mode).isTrue();
        }
    }

    @Test
    void everyEntryToTheSamePageIsWalkedOnce() {
        PhysicalMemory memory = PhysicalMemory.allocate(1 << 20);
        for (long page = 0x1000; page < memory.size(); page += 0x1000) {
            for (long at = page; at < page + 0x1000; at += 8) {
                memory.storeRelease(at, page == 0xff000 ? 0x1003 : page + 0x1000 | 3);
            }
        }
        long start = System.nanoTime();
        Inspection inspection =
                Inspection.of(
                        PhysicalView.of(memory),
                        RootPointer.of(0x1000, Mode.LEGACY),
                        46,
                        Progress.NONE);
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(30));
        assertThat(inspection.findings()).isNotEmpty().hasSizeLessThan(3000);
    }

    @Test
    void aTableThatIsItsOwnChildIsALoopAndNoStackOverflow() {
        TestTables tables = new TestTables(Mode.LEGACY);
        long space = tables.page();
        tables.attach(TestTables.DEVICE, 1, space);
        for (long at = space; at < space + 0x1000; at += 8) {
            tables.store(at, space | 3);
        }
        Inspection inspection = tables.inspect();
        assertThat(inspection.spaces().getFirst().tablePages()).isEqualTo(1);
        assertThat(inspection.findings())
                .anySatisfy(finding -> assertThat(finding.what()).contains("a loop"))
                .anySatisfy(finding -> assertThat(finding.what()).contains("and 412 more"));
    }

    @Test
    void manySmallRunsAreKeptToABound() {
        RunList runs = new RunList(new AtomicInteger(10));
        for (long page = 0; page < 100; page++) {
            runs.leaf(page << 13, page << 12, 4096, 3);
        }
        assertThat(runs).hasSize(10);
        assertThat(runs.omitted()).isEqualTo(90);
    }
}
