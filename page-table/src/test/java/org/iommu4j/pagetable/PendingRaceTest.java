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

    /**
     * The second thread's gather comes to cover the leaf that the first one splits without having
     * touched it: a gather holds few ranges, and the fifth is joined to the nearest.
     */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "map 4+4; map 8+4; pages 13+1; pages 20+1; pages 28+1; pages 36+1"
                        + " | unmap 10 | unmap 5; unmap 20; unmap 28; unmap 36; unmap 13; sync; unmap 9; sync"
            })
    void G2_anInvalidationThatBeganBeforeTheSplitDoesNotEndIt(String text) {
        Exploration.withPreemptions(2, Race.parse(text).on(Race.Hardware.CACHING).emptyTables(8));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "map 0+4 | unmap 1 | map 1; sync",
                "map 0+4 | unmap 0+4; map 0; sync | split 0+4",
                "pages 0+2 | unmap 0+4 | map 3; sync",
                "pages 0+2 | unmap 0+4 | map 0+4; sync",
                "pages 0+2 | unmap 0+2; sync | map 1; sync",
                "pages 0+1 | unmap 0; sync | map 0+4; sync"
            })
    void M8_mapUnderAChangeThatIsPending(String text) {
        everySchedule(text);
    }

    /** The second map finds a table ready that was made while the change is pending. */
    @ParameterizedTest
    @ValueSource(strings = "pages 0+2 | unmap 0+4; map 0 | map 3; sync")
    void M8_mapIntoATableMadeUnderAChangeThatIsPending(String text) {
        Exploration.withPreemptions(3, Race.parse(text).on(Race.Hardware.CACHING));
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
