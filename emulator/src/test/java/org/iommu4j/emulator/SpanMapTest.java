package org.iommu4j.emulator;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Ranges painted over each other, against an array of addresses. */
class SpanMapTest {

    private static final int ADDRESSES = 64;

    @Test
    void whatWasPutLastCounts() {
        for (long seed = 0; seed < 200; seed++) {
            SplittableRandom random = new SplittableRandom(seed);
            SpanMap<Long> map = new SpanMap<>(1 << 10, null);
            @Nullable Long[] expected = new Long[ADDRESSES];
            for (long step = 0; step < 60; step++) {
                int start = random.nextInt(ADDRESSES);
                int end = start + 1 + random.nextInt(ADDRESSES - start);
                boolean put = random.nextInt(3) > 0;
                if (put) {
                    map.put(start, end, step);
                } else {
                    map.remove(start, end);
                }
                for (int i = start; i < end; i++) {
                    expected[i] = put ? step : null;
                }
                requireEqual(map, expected, seed);
            }
        }
    }

    private static void requireEqual(SpanMap<Long> map, @Nullable Long[] expected, long seed) {
        for (int i = 0; i < ADDRESSES; i++) {
            assertThat(map.at(i)).as("address %d, seed %d", i, seed).isEqualTo(expected[i]);
            boolean near = expected[i] != null || i > 0 && expected[i - 1] != null;
            assertThat(map.touches(Math.max(0, i - 1), i + 1)).as("seed %d", seed).isEqualTo(near);
        }
    }

    @Test
    void tooManyNeighboursAreJoined() {
        SpanMap<Long> map = new SpanMap<>(8, Math::max);
        for (long i = 0; i < 100; i++) {
            map.put(10 * i, 10 * i + 10, i);
        }
        assertThat(map.at(0)).isGreaterThan(0);
        assertThat(map.at(999)).isEqualTo(99);
        assertThat(map.touches(1000, 2000)).isFalse();
    }

    @Test
    void orForgotten() {
        SpanMap<Long> map = new SpanMap<>(8, null);
        for (long i = 0; i < 100; i++) {
            map.put(20 * i, 20 * i + 10, i);
        }
        assertThat(map.at(0)).isNull();
    }
}
