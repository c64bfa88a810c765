package org.iommu4j.cli.migrate;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class ConvergenceTest {
    @Test
    void goesOnWhileTheSetShrinks() {
        Convergence convergence = new Convergence(4096);
        for (int dirty = 4000; dirty > 4; dirty = dirty * 9 / 10) {
            assertThat(convergence.isReachedWith(dirty)).as("%d pages", dirty).isFalse();
        }
    }

    @Test
    void aThousandthIsLittle() {
        assertThat(new Convergence(4096).isReachedWith(5)).isFalse();
        assertThat(new Convergence(4096).isReachedWith(4)).isTrue();
    }

    @Test
    void threeRoundsWithoutShrinkingAreEnough() {
        Convergence convergence = new Convergence(4096);
        assertThat(convergence.isReachedWith(100)).isFalse();
        assertThat(convergence.isReachedWith(99)).isFalse();
        assertThat(convergence.isReachedWith(200)).isFalse();
        assertThat(convergence.isReachedWith(95)).isTrue();
    }

    @Test
    void shrinkingAgainIsProgress() {
        Convergence convergence = new Convergence(4096);
        for (int dirty : new int[] {100, 100, 100, 90, 90, 90, 80}) {
            assertThat(convergence.isReachedWith(dirty)).as("%d pages", dirty).isFalse();
        }
    }
}
