package org.iommu4j.pagetable;

import java.util.stream.Stream;
import org.iommu4j.walker.PageTableFormat;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Devices that set accessed and dirty bits by an exchange, against software that takes their leaves
 * apart, under every schedule there is: each memory access of either is a step.
 */
class WalkerBitsTest {

    private static final int PREEMPTIONS = Boolean.getBoolean("iommu4j.long") ? 3 : 2;

    static Stream<Arguments> twoStrands() {
        return on(
                "map 0+4 | write 1 | split 0+4",
                "map 0+4 | read 1 | split 0+4",
                "map 0+4 | write 2 | unmap 1",
                "map 0+4 | write 3 | cut 0+2",
                "map 0+16 | write 5 | split 0+16",
                "map 0+16 | write 9 | unmap 1",
                "map 0+16 | write 6 | unmap 5",
                "map 0+16 | read 5; write 6 | cut 5+1",
                "map 0+16 | write 5 | split 0+4; split 4+4",
                "pages 0+4 | write 1 | unmap 2",
                "pages 0+1 | write 0 | map 1",
                "pages 0+1; pages 5+1 | write 0 | unmap 5",
                "pages 0+1; pages 5+1; unmap 5 | write 0 | trim");
    }

    @ParameterizedTest
    @MethodSource("twoStrands")
    void S4_aBitSetAtAnyStepStays(PageTableFormat format, String text) {
        Exploration.exhaustively(Race.parse(text).of(format));
        Exploration.exhaustively(
                Race.parse(text).of(format).on(Race.Hardware.CACHING).emptyTables(2));
    }

    static Stream<Arguments> threeStrands() {
        return on(
                "map 0+4 | write 2 | read 3 | split 0+4",
                "map 0+4 | write 2 | unmap 1 | unmap 3",
                "map 0+4 | write 1 | split 0+4 | split 0+4",
                "map 0+16 | write 5 | split 0+16 | cut 2+1",
                "map 0+16 | write 5 | write 6 | unmap 9");
    }

    @ParameterizedTest
    @MethodSource("threeStrands")
    void S4_S5_betweenTwoThatSplit(PageTableFormat format, String text) {
        Exploration.withPreemptions(PREEMPTIONS, Race.parse(text).of(format));
    }

    private static Stream<Arguments> on(String... texts) {
        return Stream.of(TestFormats.tiny(), TestFormats.tinyFirstStage())
                .flatMap(format -> Stream.of(texts).map(text -> Arguments.of(format, text)));
    }
}
