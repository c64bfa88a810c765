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
    /* One place that makes the object, which the compiler then does without. */
    static BelievedRange of(KernelView live, TraceEvent unmap) {
        return new BelievedRange(first(live, unmap), length(live, unmap));
    }

    private static long first(KernelView live, TraceEvent unmap) {
        long gone = unmap.unmappedSize;
        if (gone <= unmap.size || live.mappedBytes(unmap.iova, gone) == gone) {
            return unmap.iova;
        }
        long leaf = unmap.iova & -Long.highestOneBit(gone);
        boolean fromLeafStart =
                live.mappedBytes(leaf, gone) == gone && leaf + gone >= unmap.iova + unmap.size;
        return fromLeafStart ? leaf : unmap.iova;
    }

    private static long length(KernelView live, TraceEvent unmap) {
        long gone = unmap.unmappedSize;
        boolean skippedHoles =
                gone < unmap.size
                        && live.mappedBytes(unmap.iova, gone) != gone
                        && live.mappedBytes(unmap.iova, unmap.size) == gone;
        return skippedHoles ? unmap.size : gone;
    }

    long end() {
        return iova + size;
    }
}
