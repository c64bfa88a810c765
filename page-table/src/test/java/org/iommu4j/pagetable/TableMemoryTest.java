package org.iommu4j.pagetable;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.SortedSet;
import java.util.SplittableRandom;
import java.util.TreeSet;
import org.iommu4j.api.Access;
import org.junit.jupiter.api.Test;

/** How many pages tables take. */
class TableMemoryTest {

    private static final long PAGE = 0x1000;
    private static final int PAGES = 1 << 15;
    private static final int CALLS = 2_000;
    private static final long SEED = 20261123;

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

    private static long tables(SortedSet<Long> mapped, int shift) {
        return mapped.stream().map(page -> page >>> shift).distinct().count();
    }
}
