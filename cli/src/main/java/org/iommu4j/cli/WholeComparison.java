package org.iommu4j.cli;

import org.iommu4j.api.Access;
import org.iommu4j.api.MappingVisitor;

/** Compares all leaves of a domain with all that the kernel believes is mapped in it. */
final class WholeComparison implements MappingVisitor {
    private final KernelView live;
    private long leafBytes;
    private long equalBytes;
    private long leafIova;
    private long leafOutput;

    /** Start of the first leaf that maps something not believed, or -1. */
    private long firstStray = -1;

    WholeComparison(KernelView live) {
        this.live = live;
    }

    @Override
    public boolean leaf(long iova, long outputAddress, long size, Access access) {
        leafIova = iova;
        leafOutput = outputAddress;
        long before = equalBytes;
        live.runs(iova, size, this::countEqual);
        leafBytes += size;
        if (firstStray < 0 && equalBytes - before != size) {
            firstStray = iova;
        }
        return true;
    }

    boolean agrees() {
        return leafBytes == equalBytes && equalBytes == live.bytes();
    }

    /** What differs, in words. */
    String difference() {
        String sizes =
                "leaves map 0x"
                        + Long.toHexString(leafBytes)
                        + " bytes, 0x"
                        + Long.toHexString(equalBytes)
                        + " of them as believed, where 0x"
                        + Long.toHexString(live.bytes())
                        + " are believed to be mapped";
        return firstStray < 0
                ? sizes
                : sizes + "; the first leaf that differs is at 0x" + Long.toHexString(firstStray);
    }

    private boolean countEqual(long iova, long outputAddress, long size) {
        if (outputAddress - leafOutput == iova - leafIova) {
            equalBytes += size;
        }
        return true;
    }
}
