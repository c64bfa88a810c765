package org.iommu4j.pagetable;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RaceTest {

    @ParameterizedTest
    @ValueSource(strings = {"map 0+4 | unmap 1 | unmap 2", "map 0+4 | unmap 1 | unmap 1", "map 0+4 | split 0+4 | split 0+4"})
    void first(String text) {
        String[] parts = text.split(" \\| ", -1);
        Exploration.exhaustively(Race.of(parts[0], java.util.Arrays.copyOfRange(parts, 1, parts.length)));
    }
}
