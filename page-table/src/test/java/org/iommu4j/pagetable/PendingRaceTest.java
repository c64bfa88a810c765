package org.iommu4j.pagetable;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Two gathers with structure pending between them, on hardware that caches all it can (defect o),
 * and what they free.
 */
class PendingRaceTest {

    private static void everySchedule(String text) {
        Exploration.exhaustively(Race.parse(text).on(Race.Hardware.CACHING));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "map 0+4 | unmap 1 | unmap 2; sync",
                "map 0+4 | unmap 1; sync | unmap 2; sync",
                "map 0+4 | split 0+4 | unmap 2; sync",
                "map 0+4 | split 0+4; sync | unmap 2; sync",
                "map 0+4 | cut 0+2; sync | unmap 0; unmap 3; sync",
                "map 0+16 | cut 5+1 | unmap 6; sync",
                "map 0+16 | unmap 0 | unmap 9; sync"
            })
    void G2_unmapUnderASplitThatIsPending(String text) {
        everySchedule(text);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "map 0+4 | unmap 1 | map 1; sync",
                "map 0+4 | unmap 0+4; map 0; sync | split 0+4",
                "pages 0+2 | unmap 0+4 | map 0+4; sync",
                "pages 0+2 | unmap 0+2; sync | map 1; sync",
                "pages 0+1 | unmap 0; sync | map 0+4; sync"
            })
    void M8_mapUnderAChangeThatIsPending(String text) {
        everySchedule(text);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "pages 0+2 | unmap 0+4; sync | map 0; sync",
                "pages 0+2 | unmap 0; sync | unmap 1; sync",
                "pages 0+2 | unmap 0+2; sync | trim; sync",
                "pages 0+1; pages 4+1 | unmap 0+16; sync | map 16; sync"
            })
    void G1_noTableGoesBackThatIsStillCached(String text) {
        Exploration.exhaustively(Race.parse(text).on(Race.Hardware.CACHING).pages(6));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "pages 0+1; unmap 0 | map 0+4; sync | map 1; sync",
                "pages 0+1; unmap 0 | trim; sync | map 1; sync",
                "pages 0+1; pages 4+1 | unmap 0; sync | unmap 4; sync"
            })
    void G1_emptyTablesThatGo(String text) {
        Exploration.exhaustively(
                Race.parse(text).on(Race.Hardware.CACHING).emptyTables(1).pages(6));
    }
}
