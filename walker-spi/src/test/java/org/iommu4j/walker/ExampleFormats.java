package org.iommu4j.walker;

import java.util.List;
import org.iommu4j.api.MemoryType;

/** Formats of three different shapes, as hardware has them. */
final class ExampleFormats {

    /** A large leaf is marked by a bit of its own; every attribute stands at one place. */
    static final PageTableFormat MARKED = marked().build();

    /**
     * The mark of a large leaf means a memory type in a small one, which a large one has elsewhere.
     */
    static final PageTableFormat MOVING =
            PageTableFormat.named("moving", 4)
                    .leavesAt(0, 1, 2)
                    .present(1)
                    .largeLeaf(0x80, 0x80)
                    .constants(0x27, 0x5)
                    .permissions(0, 0x2, false)
                    .executeDisable(1L << 63)
                    .memoryType(MemoryType.WRITE_THROUGH, 0x08, 0x08)
                    .memoryType(MemoryType.WRITE_COMBINING, 0x10, 0x10)
                    .memoryType(MemoryType.UNCACHEABLE, 0x18, 0x18)
                    .memoryType(MemoryType.WRITE_BACK, 0x80, 0x1000)
                    .memoryType(MemoryType.WRITE_PROTECTED, 0x88, 0x1008)
                    .address(0x000f_ffff_ffff_f000L, 0)
                    .hardwareSets(0x20, 0x40)
                    .software(0x0ff0_0000_0000_0000L)
                    .build();

    /** A leaf is what has a permission, fetching one of them; the address is shifted. */
    static final PageTableFormat UNMARKED =
            PageTableFormat.named("unmarked", 3)
                    .leavesAt(0, 1, 2)
                    .present(1)
                    .largeLeaf(0xe, 0)
                    .constants(0x1, 0x11)
                    .permissions(0x2, 0x4, false)
                    .executable(0x8)
                    .rootPages(4)
                    .address(0x003f_ffff_ffff_fc00L, 2)
                    .hardwareSets(0x40, 0x80)
                    .software(0x300)
                    .build();

    static final List<PageTableFormat> ALL = List.of(MARKED, MOVING, UNMARKED);

    private ExampleFormats() {}

    static PageTableFormatBuilder marked() {
        return PageTableFormat.named("marked", 3)
                .leavesAt(0, 1, 2)
                .present(3)
                .largeLeaf(0x80, 0x80)
                .constants(0x3, 0)
                .permissions(0x1, 0x2, true)
                .snoop(0x800)
                .memoryType(MemoryType.UNCACHEABLE, 0x40, 0x40)
                .memoryType(MemoryType.WRITE_BACK, 0x70, 0x70)
                .address(0x000f_ffff_ffff_f000L, 0)
                .hardwareSets(0x100, 0x200)
                .software(0x0ff0_0000_0000_0000L);
    }
}
