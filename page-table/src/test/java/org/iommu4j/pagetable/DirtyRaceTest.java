package org.iommu4j.pagetable;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A device that writes, against whatever changes the tables or clears their bits, under every
 * schedule: each load of its walks and each exchange that sets A and D is a step. Once without
 * caches, and once with all that hardware may keep until it is told to forget. Each write must be
 * in a report whose sync completes after it.
 */
class DirtyRaceTest {

    private static final int PREEMPTIONS = Boolean.getBoolean("iommu4j.long") ? 3 : 2;

    private static void everySchedule(String text) {
        Exploration.exhaustively(Race.parse(text));
        Exploration.exhaustively(Race.parse(text).on(Race.Hardware.CACHING));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "pages 0+2; track 0+1 | write 1; write 1 | report 0+4; sync",
                "pages 0+2; track 0+1 | write 1; write 0 | report 0+4; sync; report 0+4; sync",
                "pages 0+2; track 0+1; write 1 | write 1 | report 0+4; sync; report 0+4; sync",
                "map 0+4; track 0+4; write 1 | write 2; write 2 | report 0+4; sync"
            })
    void D1_writesWhileAReportIsTaken(String text) {
        everySchedule(text);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "pages 0+2; track 0+1 | write 1; write 1 | unmap 1; sync; report 0+4; sync",
                "pages 0+2; track 0+1; write 1 | write 1 | unmap 0+4; report 0+4; sync",
                "map 0+4; track 0+4 | write 2 | unmap 1; sync; report 0+4; sync",
                "map 0+4; track 0+4 | write 1; write 2 | unmap 0+4; report 0+4; sync",
                "pages 0+5; track 0+1 | write 4 | unmap 0+16; sync; report 0+4; sync"
            })
    void D4_writesWhileTheirPageIsUnmapped(String text) {
        everySchedule(text);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "map 0+4; track 0+4 | write 1 | split 0+4; sync; report 0+4; sync",
                "map 0+4; track 0+4; write 1 | write 1; write 2 | split 0+4; report 0+4; sync",
                "map 0+4; lazily 0+1 | write 1; write 1 | report 0+4; sync; report 0+4; sync",
                "map 0+4; lazily 0+1; write 1 | write 2; write 1 | report 0+4; sync"
            })
    void D1_writesWhileTheirLeafIsSplit(String text) {
        everySchedule(text);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "pages 0+4; track 0+4 | write 1; write 2 | coalesce 0+4; report 0+4; sync",
                "pages 0+4; track 0+4; write 1 | write 1; write 2 | coalesce 0+4; sync; report 0+4; sync",
                "pages 0+4; track 0+4; write 1 | write 1; write 2 | report 0+4; coalesce 0+4; report 0+4; sync"
            })
    void C3_writesWhileTheirTableIsCoalesced(String text) {
        everySchedule(text);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "nothing | map 0+4 | track 0+1",
                "nothing | map 0+16 | track 0+4",
                "pages 0+1 | map 4+4 | track 0+1",
                "pages 0+4 | coalesce 0+4 | track 0+1",
                "map 0+4 | unmap 1 | track 0+1"
            })
    void D2_noLeafIsLeftAboveTheGranularity(String text) {
        Exploration.exhaustively(Race.parse(text));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "pages 0+2 | write 1; write 1 | track 0+1; report 0+4; sync",
                "map 0+4 | write 1 | track 0+1; report 0+4; sync",
                "map 0+4 | write 1; write 2 | track 0+4"
            })
    void D1_writesWhileTheTrackingBegins(String text) {
        everySchedule(text);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "pages 0+2 | write 1; write 1 | track 0+1 | unmap 1",
                "pages 0+2 | write 1; write 1 | track 0+1 | unmap 0+4",
                "map 0+4 | write 1; write 1 | track 0+4 | unmap 0+2",
                "pages 0+4 | write 1; write 1 | track 0+4 | coalesce 0+4"
            })
    void D4_othersWhileTheTrackingBegins(String text) {
        Exploration.withPreemptions(PREEMPTIONS, Race.parse(text));
        Exploration.withPreemptions(PREEMPTIONS, Race.parse(text).on(Race.Hardware.CACHING));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "pages 0+4; track 0+4 | write 1 | coalesce 0+4; sync | report 0+4; sync",
                "pages 0+4; track 0+4; write 1 | write 1 | coalesce 0+4 | report 0+4; sync",
                "map 0+4; track 0+4 | write 1 | split 0+4; sync | report 0+4; sync",
                "map 0+4; track 0+4; write 1 | write 2 | unmap 1 | report 0+4; sync",
                "pages 0+2; track 0+1 | write 1 | unmap 0+4; sync | report 0+4; sync",
                "pages 0+2; track 0+1; write 1 | write 1 | report 1+1; sync | report 0+4; sync",
                "pages 0+4; track 0+4 | write 1 | coalesce 0+4; sync | split 0+4; sync",
                "pages 0+4; track 0+4 | write 1 | coalesce 0+4; sync | unmap 1; sync",
                "map 0+4; lazily 0+1; write 2 | write 1 | report 0+4; sync | unmap 1; sync",
                "map 0+4; lazily 0+1 | write 1 | report 0+4; sync | split 0+4; sync"
            })
    void D1_pairsWhileADeviceWrites(String text) {
        Exploration.withPreemptions(PREEMPTIONS, Race.parse(text));
        Exploration.withPreemptions(PREEMPTIONS, Race.parse(text).on(Race.Hardware.CACHING));
    }
}
