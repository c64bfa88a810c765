package org.iommu4j.pagetable;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Three threads under every schedule in which threads that could go on are interrupted at most
 * three times.
 */
class ThreeThreadsTest {

    private static final int PREEMPTIONS = 3;

    @ParameterizedTest
    @ValueSource(
            strings = {
                "map 0+4 | split 0+4 | split 0+4 | split 0+4",
                "map 0+4 | split 0+4 | unmap 1 | unmap 2",
                "map 0+4 | unmap 1 | cut 2+1 | map 1"
            })
    void T2_aroundOneLeaf(String text) {
        Exploration.withPreemptions(PREEMPTIONS, Race.parse(text));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "pages 0+1 | unmap 0 | map 1 | list 0+4",
                "pages 0+2 | unmap 0 | unmap 1 | map 0+4",
                "nothing | map 0 | map 1 | try 0+4"
            })
    void T2_aroundOneTable(String text) {
        Exploration.withPreemptions(PREEMPTIONS, Race.parse(text));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "pages 0+1 | unmap 0; sync | map 4 | walk 0",
                "pages 0+1 | unmap 0; sync | map 16 | list 0+4"
            })
    void T2_oneLooksWhileATableIsReused(String text) {
        Exploration.withPreemptions(PREEMPTIONS, Race.parse(text).pages(4));
    }

    @ParameterizedTest
    @ValueSource(strings = {"pages 0+1; pages 4+1; pages 8+1 | unmap 0 | unmap 4 | unmap 8"})
    void U5_emptyTablesPushEachOtherOut(String text) {
        Exploration.withPreemptions(PREEMPTIONS, Race.parse(text).emptyTables(1));
    }

    @ParameterizedTest
    @ValueSource(strings = {"map 0+4 | unmap 1 | unmap 2; sync | split 0+4; sync"})
    void G2_threeGathersOverOneLeaf(String text) {
        Exploration.withPreemptions(PREEMPTIONS, Race.parse(text).on(Race.Hardware.CACHING));
    }
}
