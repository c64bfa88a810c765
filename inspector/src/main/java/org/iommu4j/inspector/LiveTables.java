package org.iommu4j.inspector;

import java.util.Arrays;
import org.iommu4j.api.Access;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.walker.PageTableFormat;

/**
 * Records a domain that is in use through its API. That shows leaves only; where they are, and how
 * large, says which tables there must be.
 */
final class LiveTables {
    private static final long UNKNOWN = -1;

    private final SpaceRecording recording;
    private final EntryKinds kinds;
    private final PageTableFormat format;
    private final long[] open;

    LiveTables(SpaceRecording recording, EntryKinds kinds, PageTableFormat format) {
        this.recording = recording;
        this.kinds = kinds;
        this.format = format;
        this.open = new long[format.levels()];
    }

    void record(IommuDomain domain) {
        Arrays.fill(open, UNKNOWN);
        enter(0, format.levels() - 1);
        domain.mappings(0, 1L << format.addressWidth(), this::leaf);
    }

    private boolean leaf(long iova, long outputAddress, long size, Access access) {
        int level = (Long.numberOfTrailingZeros(size) - format.shift(0)) / format.indexBits();
        for (int above = format.levels() - 1; above >= level; above--) {
            enter(iova, above);
        }
        recording.leaf(iova, outputAddress, level, kinds.ofAccess(access));
        return true;
    }

    private void enter(long iova, int level) {
        long base = iova & -(1L << format.shift(level + 1));
        if (open[level] != base) {
            open[level] = base;
            recording.table(UNKNOWN, level, base, 0);
        }
    }
}
