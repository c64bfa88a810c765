package org.iommu4j.pagetable;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Two threads under every schedule, for a walker that does not snoop the cache (defect p): when a
 * call returns, such a walker sees what it did, whatever the other thread has not written back yet.
 */
class WriteBackRaceTest {

    @ParameterizedTest
    @ValueSource(
            strings = {
                "map 0+4 | unmap 1 | unmap 2",
                "map 0+4 | split 0+4 | unmap 1",
                "map 0+4 | split 0+4 | split 0+4",
                "map 0+4 | cut 1+1 | unmap 2",
                "map 0+16 | unmap 1 | unmap 6",
                "map 0+16 | split 0+4 | unmap 1+2",
                "map 0+4; map 4+4 | unmap 3+2 | unmap 2+4"
            })
    void S7_unmapUnderASplitNotYetWrittenBack(String text) {
        everySchedule(text);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "nothing | map 0 | map 1",
                "nothing | map 0+4 | map 4+4",
                "nothing | map 2+4 | unmap 2+4",
                "pages 0+1 | unmap 0 | map 1",
                "pages 0+1 | unmap 0; sync | map 4",
                "pages 0+2 | unmap 0+2 | map 0+4",
                "pages 0+2 | unmap 0+4 | map 0"
            })
    void S7_mapAgainstTheOthers(String text) {
        everySchedule(text);
    }

    private static void everySchedule(String text) {
        Exploration.exhaustively(Race.parse(text).on(Race.Hardware.NON_COHERENT));
        Exploration.exhaustively(Race.parse(text).on(Race.Hardware.NON_COHERENT).emptyTables(2));
    }
}
