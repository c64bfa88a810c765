package org.iommu4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class KernelViewTest {
    private static final long PAGE = 4096;
    private static final int PAGES = 3000;

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4})
    void answersAsAMapOfPagesDoes(long seed) {
        Random random = new Random(seed);
        KernelView view = new KernelView();
        TreeMap<Long, Long> pages = new TreeMap<>();
        int longest = seed % 2 == 0 ? 3 : 200;
        for (int step = 0; step < 20_000; step++) {
            long iova = random.nextInt(PAGES) * PAGE;
            long size = (1 + random.nextInt(longest)) * PAGE;
            Map<Long, Long> range = pages.subMap(iova, iova + size);
            String where = "seed " + seed + ", step " + step;
            assertThat(view.isFree(iova, size)).as(where).isEqualTo(range.isEmpty());
            assertThat(view.mappedBytes(iova, size)).as(where).isEqualTo(range.size() * PAGE);
            if (random.nextInt(5) < 3 && range.isEmpty()) {
                long output = random.nextBoolean() ? iova : random.nextInt(PAGES) * PAGE;
                view.add(iova, output, size);
                for (long offset = 0; offset < size; offset += PAGE) {
                    pages.put(iova + offset, output + offset);
                }
            } else {
                assertThat(view.remove(iova, size)).as(where).isEqualTo(range.size() * PAGE);
                range.clear();
            }
            long probe = random.nextInt(PAGES) * PAGE;
            assertThat(view.outputAddress(probe))
                    .as(where)
                    .isEqualTo(pages.getOrDefault(probe, KernelView.NOT_MAPPED));
            assertThat(view.bytes()).as(where).isEqualTo(pages.size() * PAGE);
        }
        TreeMap<Long, Long> walked = new TreeMap<>();
        view.runs(0, PAGES * 2 * PAGE, (iova, output, size) -> collect(walked, iova, output, size));
        assertThat(walked).as("seed " + seed).isEqualTo(pages);
    }

    @Test
    void neighboursThatContinueEachOtherAreOneRun() {
        KernelView view = new KernelView();
        view.add(0x1000, 0x11000, 0x1000);
        view.add(0x3000, 0x13000, 0x1000);
        assertThat(view.isRun(0x1000, 0x1000)).isTrue();
        view.add(0x2000, 0x12000, 0x1000);
        assertThat(view.isRun(0x1000, 0x1000)).isFalse();
        assertThat(view.isRun(0x1000, 0x3000)).isTrue();
    }

    @Test
    void neighboursThatLeadElsewhereStayApart() {
        KernelView view = new KernelView();
        view.add(0x1000, 0x11000, 0x1000);
        view.add(0x2000, 0x52000, 0x1000);
        assertThat(view.isRun(0x1000, 0x1000)).isTrue();
        assertThat(view.outputAddress(0x2000)).isEqualTo(0x52000);
    }

    @Test
    void aWalkEndsWhenTheVisitorSaysSo() {
        KernelView view = new KernelView();
        view.add(0x1000, 0, 0x1000);
        view.add(0x5000, 0, 0x1000);
        int[] seen = {0};
        view.runs(0, 0x10000, (iova, output, size) -> ++seen[0] < 1);
        assertThat(seen[0]).isEqualTo(1);
    }

    @Test
    void thousandsOfRunsComeAndGoInAnyOrder() {
        KernelView view = new KernelView();
        int count = 10_000;
        for (int i = 0; i < count; i++) {
            long page = (long) i * 7919 % count;
            view.add(page * 2 * PAGE, 0x40000000L, PAGE);
        }
        assertThat(view.bytes()).isEqualTo(count * PAGE);
        for (int i = 0; i < count; i++) {
            long page = (long) i * 6007 % count;
            assertThat(view.remove(page * 2 * PAGE, PAGE)).isEqualTo(PAGE);
        }
        assertThat(view.bytes()).isZero();
        assertThat(view.isFree(0, 2 * PAGE * count)).isTrue();
    }

    private static boolean collect(Map<Long, Long> pages, long iova, long output, long size) {
        for (long offset = 0; offset < size; offset += PAGE) {
            pages.put(iova + offset, output + offset);
        }
        return true;
    }
}
