package org.iommu4j.pagetable;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A coalesce and another call under every schedule: for walks at every step, for a walker that does
 * not snoop, and for hardware that caches all it can.
 */
class CoalesceRaceTest {

    private static void everySchedule(String text) {
        for (Race.Hardware kind : Race.Hardware.values()) {
            Exploration.exhaustively(Race.parse(text).on(kind));
        }
        Exploration.exhaustively(Race.parse(text).emptyTables(2));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "pages 0+4 | coalesce 0+4; sync | unmap 1; sync",
                "pages 0+4 | coalesce 0+4 | unmap 0+4",
                "pages 0+4; pages 5+1 | coalesce 0+4 | unmap 0+4; sync",
                "pages 0+4 | coalesce 0+4 | unmap 0+2; map 0+2",
                "pages 0+8 | coalesce 0+8 | unmap 3+2",
                "map 0+16; split 5 | coalesce 0+16 | unmap 5",
                "map 0+16; split 5 | coalesce 0+16 | unmap 4+4"
            })
    void C2_coalesceAgainstUnmap(String text) {
        everySchedule(text);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "pages 0+3 | coalesce 0+4 | map 3",
                "pages 0+4 | coalesce 0+4 | try 3",
                "pages 0+4; unmap 3 | coalesce 0+4; sync | map 3",
                "nothing | coalesce 0+16 | map 1+4"
            })
    void C2_coalesceAgainstMap(String text) {
        everySchedule(text);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "pages 0+4 | coalesce 0+4 | split 0+4",
                "map 0+16; split 5 | coalesce 0+16 | split 0+16",
                "map 0+16; split 5 | coalesce 0+16; sync | cut 6+4; sync",
                "map 0+4 | split 0+4; sync; coalesce 0+4; sync | cut 1+2"
            })
    void C2_coalesceAgainstSplit(String text) {
        everySchedule(text);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "pages 0+4 | coalesce 0+4 | coalesce 0+4",
                "map 0+16; split 5 | coalesce 0+16; sync | coalesce 4+4; sync"
            })
    void C2_coalesceAgainstCoalesce(String text) {
        everySchedule(text);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "map 0+16; split 0+16 | coalesce 0+16 | coalesce 0+16",
                "map 0+16; split 0+16 | coalesce 0+16; sync | unmap 7; sync"
            })
    void C2_coalesceOfSeveralTables(String text) {
        Exploration.withPreemptions(3, Race.parse(text).on(Race.Hardware.CACHING));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "pages 0+4 | coalesce 0+4; sync; map 4 | walk 1; walk 2",
                "pages 0+4 | coalesce 0+4; sync; map 5 | list 0+4",
                "pages 0+4 | coalesce 0+4; unmap 2; sync | at 1; walk 2",
                "map 0+16; split 5 | coalesce 0+16; sync; map 16 | list 4+4",
                "pages 0+4 | coalesce 0+4; trim | walk 3"
            })
    void C1_lookersFindTheSame(String text) {
        Exploration.exhaustively(Race.parse(text).pages(5));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "pages 0+4 | coalesce 0+4; sync; map 4 | unmap 1; sync",
                "pages 0+4 | coalesce 0+4; sync | unmap 0; sync; map 0; sync",
                "map 0+16; split 5 | coalesce 0+16; sync | map 16; sync"
            })
    void C4_noTableGoesBackThatIsStillCached(String text) {
        Exploration.exhaustively(Race.parse(text).on(Race.Hardware.CACHING).pages(6));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "pages 0+4 | coalesce 0+4 | unmap 1 | map 1",
                "pages 0+4 | coalesce 0+4 | split 0+4 | unmap 2",
                "map 0+16; split 5 | coalesce 0+16 | coalesce 4+4 | unmap 6"
            })
    void C2_threeThreads(String text) {
        Exploration.withPreemptions(3, Race.parse(text).on(Race.Hardware.CACHING));
    }
}
