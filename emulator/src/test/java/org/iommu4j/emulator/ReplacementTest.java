package org.iommu4j.emulator;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.BitSet;
import org.iommu4j.machine.SourceId;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Which translation makes place in an IOTLB that is full. */
class ReplacementTest {

    private static final int ROOM = 16;
    private static final int WAYS = 4;
    private static final int PAGES = 200;

    @Test
    void theOldestMakesPlace() {
        Iotlb iotlb = new Iotlb(ROOM, WAYS, null, null);
        for (int page = 0; page < PAGES; page++) {
            put(iotlb, page);
            for (int late = Math.max(0, page - WAYS + 1); late <= page; late++) {
                assertThat(holds(iotlb, late)).as("page %s after page %s", late, page).isTrue();
            }
        }
        assertThat(held(iotlb).cardinality()).isEqualTo(ROOM);
    }

    @Test
    void orAnyAsASeedSays() {
        BitSet some = filled(new Dice(1));

        assertThat(some).isEqualTo(filled(new Dice(1)));
        assertThat(some).isNotEqualTo(filled(new Dice(2)));
        assertThat(some).isNotEqualTo(filled(null));
        assertThat(some.cardinality()).isEqualTo(ROOM);
    }

    private static BitSet filled(@Nullable Dice replacing) {
        Iotlb iotlb = new Iotlb(ROOM, WAYS, replacing, null);
        for (int page = 0; page < PAGES; page++) {
            put(iotlb, page);
        }
        return held(iotlb);
    }

    private static void put(Iotlb iotlb, long page) {
        iotlb.put(
                1,
                SourceId.NO_PASID,
                page << 12,
                new Translation().page(12, page << 12, Translation.READ, true, 0, 0));
    }

    private static BitSet held(Iotlb iotlb) {
        BitSet held = new BitSet();
        for (int page = 0; page < PAGES; page++) {
            held.set(page, holds(iotlb, page));
        }
        return held;
    }

    private static boolean holds(Iotlb iotlb, long page) {
        Translation found = new Translation();
        return iotlb.find(1, SourceId.NO_PASID, page << 12, found) && found.base() == page << 12;
    }
}
