package ${package};

import org.iommu4j.walker.PageTableFormat;
import org.iommu4j.walker.SizeChange;

/**
 * What the hardware reads as page tables, as data. Every number here is an example: write those of
 * your hardware's specification in their place.
 */
final class Formats {

    private static final long READ = 1 << 0;
    private static final long WRITE = 1 << 1;
    private static final long LARGE = 1 << 7;
    private static final long ACCESSED = 1 << 8;
    private static final long DIRTY = 1 << 9;
    private static final long ADDRESS = 0x000f_ffff_ffff_f000L;
    private static final long SOFTWARE = 0x0ff0_0000_0000_0000L;

    /** Four levels of 512 entries: 48 bits, with leaves of 4 KiB, 2 MiB and 1 GiB. */
    static final PageTableFormat FOUR_LEVELS =
            PageTableFormat.named("${backend}", 4)
                    .leavesAt(0, 1, 2)
                    .present(READ | WRITE)
                    .largeLeaf(LARGE, LARGE)
                    .constants(READ | WRITE, 0)
                    .permissions(READ, WRITE, true)
                    .address(ADDRESS, 0)
                    .hardwareSets(ACCESSED, DIRTY)
                    .software(SOFTWARE)
                    .sizeChange(SizeChange.HITLESS)
                    .build();

    private Formats() {}
}
