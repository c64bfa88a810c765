package org.iommu4j.pagetable;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Two threads under every schedule there is, without empty tables that stay and with some. */
class TwoThreadsTest {

    private static void everySchedule(String text) {
        Exploration.exhaustively(Race.parse(text));
        Exploration.exhaustively(Race.parse(text).emptyTables(2));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "map 0+4 | split 0+4 | split 0+4",
                "map 0+16 | split 0+16 | split 0+4",
                "map 0+16 | cut 1+2 | cut 5+2",
                "map 0+16 | cut 0+4 | split 4+4"
            })
    void S5_splitAgainstSplit(String text) {
        everySchedule(text);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "map 0+4 | split 0+4 | unmap 1",
                "map 0+4 | cut 1+2 | unmap 0+4",
                "map 0+16 | cut 1+1 | unmap 6",
                "map 0+16 | split 0+4 | unmap 0+16",
                "map 0+16 | split 0+16 | unmap 3+2"
            })
    void T2_splitAgainstUnmap(String text) {
        everySchedule(text);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "map 0+4 | unmap 1 | unmap 2",
                "map 0+4 | unmap 1 | unmap 1",
                "map 0+4 | unmap 0+2 | unmap 1+2",
                "map 0+4 | unmap 1 | unmap 0+4",
                "map 0+16 | unmap 1 | unmap 6",
                "map 0+16 | unmap 1+7 | unmap 4+8",
                "map 0+4; map 4+4 | unmap 3+2 | unmap 2+4",
                "pages 0+2 | unmap 0 | unmap 1",
                "pages 0+2 | unmap 0+2 | unmap 1+3",
                "pages 0+8 | unmap 0+4 | unmap 3+3",
                "pages 0+8 | unmap 3+2 | unmap 4",
                "pages 0+8 | unmap 3+2 | unmap 5",
                "pages 0+1; pages 4+1 | unmap 0+16 | unmap 3+2",
                "pages 0+1; pages 4+1 | unmap 0 | unmap 4",
                "pages 0+1; pages 16+1 | unmap 0+64 | unmap 0+17"
            })
    void T2_unmapAgainstUnmap(String text) {
        everySchedule(text);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "nothing | map 0 | map 1",
                "nothing | map 0 | map 0",
                "nothing | map 0+4 | map 1",
                "nothing | map 0+4 | map 0+4",
                "nothing | try 0+2 | try 1+2",
                "nothing | map 0+16 | map 5",
                "nothing | map 2+4 | map 5+4",
                "nothing | map 0 | map 16",
                "pages 0+1 | map 1 | map 1+2",
                "pages 3+1 | map 2+4 | map 4+2",
                "pages 0+1; pages 7+1 | map 3+2 | map 5",
                "pages 0+1; pages 7+1 | map 3+2 | map 4"
            })
    void T2_mapAgainstMap(String text) {
        everySchedule(text);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "pages 0+1 | unmap 0 | map 0",
                "pages 0+1 | unmap 0 | map 1",
                "pages 0+1 | unmap 0; sync | map 1",
                "pages 0+1 | unmap 0; sync | map 4",
                "pages 0+1 | unmap 0+4 | try 0+2",
                "pages 0+1 | unmap 0+64 | map 5",
                "pages 0+1; pages 4+1 | unmap 0+5 | map 1",
                "map 0+4 | unmap 0+4 | map 0+4",
                "map 0+16 | unmap 0+5 | try 4+2"
            })
    void T2_mapAgainstTheUnmapThatFreesItsTable(String text) {
        everySchedule(text);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "pages 0+1; unmap 0 | map 0+4 | map 1",
                "pages 0+1; unmap 0 | map 0+4; sync | map 4",
                "pages 0+1; unmap 0 | map 0+16 | map 1",
                "pages 0+1; unmap 0 | map 0+4 | unmap 0+4",
                "pages 0+1 | map 0+4 | unmap 0",
                "pages 0+1; pages 4+1; unmap 0+5 | map 0+16 | try 5"
            })
    void M5_largerLeafAgainstMapIntoTheEmptyTable(String text) {
        everySchedule(text);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "pages 0+1; unmap 0 | trim | map 0",
                "pages 0+1; unmap 0 | trim; sync | map 4",
                "pages 0+1; unmap 0 | trim | trim",
                "pages 0+1 | trim | unmap 0",
                "pages 0+1; pages 4+1; unmap 4 | trim | unmap 0"
            })
    void U5_trimAgainstTheOthers(String text) {
        everySchedule(text);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "map 0+4 | list 0+4 | unmap 1+2",
                "map 0+4 | list 0+4 | split 0+4",
                "map 0+4 | at 1; walk 1 | unmap 1; map 1",
                "map 0+16 | list 0+16 | cut 5+6",
                "map 0+16 | walk 5 | unmap 4+2; map 4+4",
                "pages 0+4 | list 0+4 | unmap 1; map 1",
                "pages 0+4 | list 0+8 | unmap 0+4; map 0+8",
                "nothing | list 0+8 | map 2+4",
                "nothing | at 3; at 3 | map 0+4; unmap 2+2"
            })
    void T2_lookersAgainstTheOthers(String text) {
        everySchedule(text);
    }

    /* The setups leave a hint to the table, so that translate begins there and a look by mappingAt at the root. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "pages 0+4 | at 1; walk 1 | unmap 0+4",
                "pages 0+4 | at 1; walk 1 | unmap 0+16",
                "pages 0+8 | at 1; walk 1 | unmap 0+8",
                "pages 0+8 | at 5; walk 5 | unmap 0+16; sync",
                "pages 0+1 | at 0; walk 0 | unmap 0; trim",
                "pages 0+1; unmap 0 | at 1; walk 1 | map 0+4",
                "pages 0+1; unmap 0 | walk 1; at 1 | map 0+4; unmap 1",
                "map 0+4; walk 1 | walk 1; at 1 | cut 1+2",
                "map 0+4; walk 1 | walk 2; at 2 | split 0+4; unmap 2",
                "map 0+4; walk 1 | at 1; walk 1 | unmap 0+16"
            })
    void T2_lookersByHintsAgainstTheOthers(String text) {
        everySchedule(text);
    }

    /* The one page there is for a new table is the one that the hint of its range names. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "pages 0+2; pages 4+1; unmap 0+2; sync | walk 1; at 1 | map 0+2",
                "pages 0+2; pages 4+1; unmap 0+2; sync | walk 1; at 1 | map 0+2; unmap 1",
                "pages 0+2; pages 4+1; unmap 0+2; map 0+4; sync | walk 1; at 2 | unmap 1"
            })
    void T2_lookersByHintsToTablesThatAreNotLinkedYet(String text) {
        Exploration.exhaustively(Race.parse(text).pages(4));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "pages 0+2 | walk 1 | unmap 0+2; sync; map 4",
                "pages 0+2 | at 1 | unmap 0+2; sync; map 16+4; map 20",
                "pages 0+4 | list 0+8 | unmap 0+4; sync; map 4+2",
                "pages 0+4; pages 16+1 | list 0+32 | unmap 0+16; sync; map 17",
                "map 0+4 | list 0+8 | unmap 1; unmap 0+4; sync; map 4+2"
            })
    void T2_lookersInTablesThatAreReused(String text) {
        Exploration.exhaustively(Race.parse(text).pages(5));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "pages 0+1 | map 1 | unmap 0; sync; map 5",
                "pages 0+1 | map 1 | unmap 0; sync; map 16",
                "pages 0+2 | unmap 1 | unmap 0+2; sync; map 5",
                "pages 0+2 | unmap 0+4 | unmap 0+2; sync; map 16+4"
            })
    void T2_writersInTablesThatAreReused(String text) {
        Exploration.withPreemptions(3, Race.parse(text).pages(3));
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3, 4})
    void S6_tooFewPagesForBoth(int spare) {
        for (String text :
                new String[] {
                    "map 0+4 | unmap 1 | unmap 2",
                    "map 0+16 | unmap 1 | unmap 6",
                    "map 0+16 | unmap 1 | split 0+4",
                    "map 0+4; map 4+4 | cut 3+2 | unmap 2+3",
                    "nothing | map 0 | map 1",
                    "nothing | map 0 | map 16",
                    "pages 0+1 | unmap 0; sync | map 16",
                    "nothing | map 3+2 | map 4+2"
                }) {
            Exploration.exhaustively(Race.parse(text).spare(spare));
        }
    }
}
