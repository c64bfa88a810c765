package org.iommu4j.cli;

/**
 * One event of a trace that a replay needs. Mutable and reused, because a trace has millions of
 * them: {@link TraceReader#next} overwrites every field. Addresses and sizes are in bytes.
 */
final class TraceEvent {
    /** What an event says. */
    enum Kind {
        /** {@code iommu:map}: the kernel mapped a range in some domain. */
        MAP,
        /** {@code iommu:unmap}: the kernel unmapped a range of some domain. */
        UNMAP,
        /**
         * {@code intel_iommu:cache_tag_flush_range[_np]}: a named domain was flushed over a range.
         */
        FLUSH
    }

    /** {@link #domain} of an event whose domain the trace does not tell. */
    static final long UNNAMED = -1;

    Kind kind = Kind.MAP;

    /** The line it stands on, the first being 1. */
    long line;

    /** Who logged it: the thread id, or a value of its own for the idle thread of each CPU. */
    long task;

    /** First I/O virtual address; of a flush the first address flushed. */
    long iova;

    /**
     * Bytes asked for, 0 for a map that failed; of a flush the length, {@code Long.MAX_VALUE} at
     * most.
     */
    long size;

    /** Where a map leads to. */
    long outputAddress;

    /** Bytes that the kernel believes an unmap removed. */
    long unmappedSize;

    /** The domain's name as {@link TraceReader#domainName} prints it, or {@link #UNNAMED}. */
    long domain = UNNAMED;

    /** When it was logged, in nanoseconds, or {@link TraceTime#UNKNOWN}; set where it matters. */
    long time = TraceTime.UNKNOWN;

    /** What a flush usually follows: a map if only entries not present before changed. */
    Kind usuallyFollows = Kind.UNMAP;

    /** Whether the kernel says that nothing was mapped or unmapped. */
    boolean failed() {
        return switch (kind) {
            case MAP -> size == 0;
            case UNMAP -> unmappedSize == 0;
            case FLUSH -> false;
        };
    }
}
