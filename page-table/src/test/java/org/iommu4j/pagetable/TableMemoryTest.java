package org.iommu4j.pagetable;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SortedSet;
import java.util.SplittableRandom;
import java.util.TreeSet;
import org.iommu4j.api.Access;
import org.iommu4j.api.IotlbGather;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** How many pages tables take. */
class TableMemoryTest {

    private static final long PAGE = 0x1000;
    private static final int PAGES = 1 << 15;
    private static final int CALLS = 2_000;
    private static final long SEED = 20261123;
    private static final long START = 509L << 30;
    private static final long WINDOW = 6L << 30;

    /** Pages come and go at random; after each call, count the tables that the mapped ones need. */
    @Test
    void U5_withoutEmptyTablesMemoryIsTheFormatsMinimum() {
        TestDomain domain =
                TestDomain.on(TestFormats.secondStage(4)).emptyTables(0).pages(12_000).open();
        SplittableRandom random = new SplittableRandom(SEED);
        TreeSet<Long> mapped = new TreeSet<>();
        for (int call = 0; call < CALLS; call++) {
            long page = (long) random.nextInt(PAGES) << random.nextInt(20);
            if (!mapped.isEmpty() && random.nextInt(5) < 2) {
                page = mapped.first();
                domain.unmap(page * PAGE, PAGE);
                mapped.remove(page);
            } else if (mapped.add(page)) {
                domain.map(page * PAGE, page * PAGE, PAGE, Access.READ_WRITE);
            }
            assertThat(domain.statistics().tablePages())
                    .as("seed %d, after call %d", SEED, call)
                    .isEqualTo(1 + tables(mapped, 9) + tables(mapped, 18) + tables(mapped, 27));
        }
    }

    /** The same with leaves of every size, which are made, cut, split, merged and removed. */
    @ParameterizedTest
    @ValueSource(longs = {SEED, SEED + 1, SEED + 2})
    void U5_withLeavesOfEverySizeItIsTheMinimumToo(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        TestDomain domain =
                TestDomain.on(TestFormats.secondStage(4)).emptyTables(0).pages(12_000).open();
        IotlbGather gather = domain.gather();
        for (int call = 0; call < CALLS; call++) {
            long unit = 1L << 12 + 9 * random.nextInt(3);
            long iova = START + random.nextLong(WINDOW / unit) * unit;
            long size = unit * (1 + random.nextInt(unit == PAGE ? 700 : 3));
            switch (random.nextInt(8)) {
                case 0, 1, 2 -> domain.tryMap(iova, iova, size, Access.READ_WRITE, gather);
                case 3, 4 -> domain.unmap(iova, size, gather);
                case 5 -> domain.cut(iova, size, gather);
                case 6 -> domain.split(iova, size, unit, gather);
                default -> domain.coalesce(iova, size, gather);
            }
            domain.sync(gather);
            assertThat(domain.statistics().tablePages())
                    .as("seed %d, after call %d", seed, call)
                    .isEqualTo(1 + needed(domain));
        }
    }

    /** Counts the tables below the root without which these leaves could not be. */
    private static int needed(TestDomain domain) {
        List<Set<Long>> tables = List.of(new HashSet<>(), new HashSet<>(), new HashSet<>());
        domain.mappings(
                0,
                1L << 48,
                (iova, outputAddress, size, access) -> {
                    int leafLevel = (Long.numberOfTrailingZeros(size) - 12) / 9;
                    for (int level = leafLevel; level < tables.size(); level++) {
                        tables.get(level).add(iova >>> 21 + 9 * level);
                    }
                    return true;
                });
        return tables.stream().mapToInt(Set::size).sum();
    }

    /** A million pages mapped one by one take tables, and nothing of the Java heap. */
    @Test
    void theHeapDoesNotGrowWithWhatIsMapped() {
        TestDomain domain = TestDomain.on(TestFormats.secondStage(4)).pages(4_096).open();
        int pages = 1 << 20;
        for (long page = 0; page < pages / 8; page++) {
            domain.map(page * PAGE, page * PAGE, PAGE, Access.READ_WRITE);
        }
        long before = usedHeap();
        for (long page = pages / 8; page < pages; page++) {
            domain.map(page * PAGE, page * PAGE, PAGE, Access.READ_WRITE);
        }
        assertThat(domain.statistics().leaves()).containsEntry(PAGE, (long) pages);
        assertThat(usedHeap() - before).isLessThan(1 << 20);
    }

    /** The least of a few looks: what else the JVM does comes and goes. */
    private static long usedHeap() {
        long least = Long.MAX_VALUE;
        for (int look = 0; look < 5; look++) {
            System.gc();
            Runtime runtime = Runtime.getRuntime();
            least = Math.min(least, runtime.totalMemory() - runtime.freeMemory());
        }
        return least;
    }

    private static long tables(SortedSet<Long> mapped, int shift) {
        return mapped.stream().map(page -> page >>> shift).distinct().count();
    }
}
