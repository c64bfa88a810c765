package org.iommu4j.walker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.iommu4j.api.Access;
import org.iommu4j.machine.PhysicalMemory;
import org.junit.jupiter.api.Test;

class TableWalkTest {

    private static final long ROOT = 0x1000;
    private static final long MIDDLE = 0x2000;
    private static final long LOWEST = 0x3000;

    private final PageTableFormat format = ExampleFormats.MARKED;
    private final PhysicalMemory memory = PhysicalMemory.allocate(0x10000);
    private final TableWalk walk = new TableWalk(format, memory);

    @Test
    void findsLeavesOfEverySizeAndHoles() {
        memory.storePlain(ROOT + 8 * 5, format.tableEntry(MIDDLE));
        memory.storePlain(MIDDLE + 8 * 511, format.tableEntry(LOWEST));
        memory.storePlain(LOWEST + 8 * 7, format.leafBits(Access.READ, 0) | 0xabc000);
        memory.storePlain(MIDDLE, format.leafBits(Access.WRITE, 1) | 0x60_0000);
        memory.storePlain(ROOT + 8 * 511, format.leafBits(Access.READ_WRITE, 2) | 0x8000_0000L);

        long lowest = 5L << 30 | 511L << 21 | 7L << 12;
        found(lowest | 0x123, 0, LOWEST + 8 * 7, 0x1000, 0xabc123);
        found(5L << 30 | 0x1f_ffff, 1, MIDDLE, 0x20_0000, 0x7f_ffff);
        found(0x7f_ffff_ffffL, 2, ROOT + 8 * 511, 0x4000_0000, 0xbfff_ffffL);
        missed(lowest + 0x1000, 0, LOWEST + 8 * 8);
        missed(5L << 30 | 1L << 21, 1, MIDDLE + 8);
        missed(0, 2, ROOT);
    }

    @Test
    void refusesToLeaveTheMemory() {
        memory.storePlain(ROOT, format.tableEntry(0x10000));
        assertThatThrownBy(() -> walk.to(ROOT, 0)).isInstanceOf(IndexOutOfBoundsException.class);
    }

    private void found(long iova, int level, long entryAddress, long span, long output) {
        assertThat(walk.to(ROOT, iova)).isTrue();
        assertThat(walk.level()).isEqualTo(level);
        assertThat(walk.entryAddress()).isEqualTo(entryAddress);
        assertThat(walk.entry()).isEqualTo(memory.loadPlain(entryAddress));
        assertThat(walk.span()).isEqualTo(span);
        assertThat(walk.output(iova)).isEqualTo(output);
    }

    private void missed(long iova, int level, long entryAddress) {
        assertThat(walk.to(ROOT, iova)).isFalse();
        assertThat(walk.level()).isEqualTo(level);
        assertThat(walk.entryAddress()).isEqualTo(entryAddress);
        assertThat(walk.entry()).isZero();
    }
}
