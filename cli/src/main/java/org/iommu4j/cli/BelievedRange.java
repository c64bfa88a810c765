package org.iommu4j.cli;

/**
 * What the kernel took away in an unmap. It says where it began, how much it was asked for and how
 * much went, but not what went, and kernels differ: most stop at a hole; some skip it; some, asked
 * for a part of a large leaf, take the leaf whole, from its beginning. Of these readings this is
 * the first that fits what is mapped.
 *
 * @param iova first address
 * @param size bytes
 */
record BelievedRange(long iova, long size) {
    static BelievedRange of(KernelView live, TraceEvent unmap) {
        long iova = unmap.iova;
        long gone = unmap.unmappedSize;
        if (gone == unmap.size || live.mappedBytes(iova, gone) == gone) {
            return new BelievedRange(iova, gone);
        }
        if (gone < unmap.size) {
            boolean skippedHoles = live.mappedBytes(iova, unmap.size) == gone;
            return new BelievedRange(iova, skippedHoles ? unmap.size : gone);
        }
        long leaf = iova & -Long.highestOneBit(gone);
        boolean fromLeafStart =
                live.mappedBytes(leaf, gone) == gone && leaf + gone >= iova + unmap.size;
        return new BelievedRange(fromLeafStart ? leaf : iova, gone);
    }

    long end() {
        return iova + size;
    }
}
