package org.iommu4j.cli.vm;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.iommu4j.machine.PhysicalMemory;
import org.junit.jupiter.api.Test;

class ContentTest {
    private static final long IOVA = 0x1_2345_6040L;

    private final ByteBuffer slot =
            ByteBuffer.allocate(Content.SLOT).order(ByteOrder.LITTLE_ENDIAN);

    @Test
    void aSlotHoldsItsVersionAtItsAddressOnly() {
        Content.fill(slot, IOVA, 3);
        assertThat(Content.holds(slot, IOVA, 3)).isTrue();
        assertThat(Content.holds(slot, IOVA, 2)).isFalse();
        assertThat(Content.holds(slot, IOVA + 4096, 3)).isFalse();
        assertThat(Content.difference(slot, IOVA, 4))
                .isEqualTo(
                        "version 3 of 0x123456040, not version 4 of 0x123456040, at 0x123456040");
    }

    @Test
    void whatNobodyWroteIsZero() {
        assertThat(Content.holds(slot, IOVA, 0)).isTrue();
        slot.put(63, (byte) 1);
        assertThat(Content.holds(slot, IOVA, 0)).isFalse();
        assertThat(Content.difference(slot, IOVA, 1)).startsWith("zero, not version 1 of ");
    }

    @Test
    void aWriteThatWasBlockedMayBeDoneInPart() {
        for (int done = 1; done < 256; done++) {
            Content.fill(slot, IOVA, 4);
            ByteBuffer next = ByteBuffer.allocate(Content.SLOT).order(ByteOrder.LITTLE_ENDIAN);
            Content.fill(next, IOVA, 5);
            for (int i = 0; i < 8; i++) {
                if ((done >> i & 1) != 0) {
                    slot.put(i * 8, next, i * 8, 8);
                }
            }
            assertThat(Content.holdsOrPartlyNext(slot, IOVA, 4)).isTrue();
            assertThat(Content.holdsOrPartlyNext(slot, IOVA, 3)).isFalse();
        }
        Content.fill(slot, IOVA, 5);
        slot.putLong(0, slot.getLong(0) - (2L << 48));
        assertThat(Content.holdsOrPartlyNext(slot, IOVA, 4)).isFalse();
    }

    @Test
    void poisonSaysWhereItIs() {
        PhysicalMemory memory = PhysicalMemory.allocate(8192);
        Content.poison(memory, 4096);
        assertThat(Content.firstUnpoisoned(memory, 4096)).isEqualTo(-1);
        assertThat(Content.describe(memory.loadPlain(4104)))
                .isEqualTo("poison of the physical address 0x1008");
        memory.storePlain(8184, 0);
        assertThat(Content.firstUnpoisoned(memory, 4096)).isEqualTo(511);
    }
}
