package org.iommu4j.api;

import java.time.Instant;
import java.util.Locale;

/**
 * Something that was done to a range of a domain, as a domain with {@link
 * DomainOptions#withHistory} remembers it.
 *
 * @param kind what was done
 * @param iova first I/O virtual address, in bytes
 * @param size bytes
 * @param at when it was done
 * @param thread the name of the thread that called
 */
public record DomainOperation(Kind kind, long iova, long size, Instant at, String thread) {

    /** What can be done to a range. */
    public enum Kind {
        /** {@link IommuDomain#map}. */
        MAP,
        /** {@link IommuDomain#unmap}. */
        UNMAP,
        /** {@link IommuDomain#cut}. */
        CUT,
        /** {@link IommuDomain#split}. */
        SPLIT,
        /** {@link IommuDomain#coalesce}. */
        COALESCE;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /**
     * Says whether the range and another one have a byte in common.
     *
     * @param otherIova first I/O virtual address of the other
     * @param otherSize its bytes; positive
     * @return true if they have
     */
    public boolean touches(long otherIova, long otherSize) {
        return iova <= otherIova + otherSize - 1 && otherIova <= iova + size - 1;
    }

    @Override
    public String toString() {
        return kind
                + " of [0x"
                + Long.toHexString(iova)
                + ", 0x"
                + Long.toHexString(iova + size)
                + ") by "
                + thread
                + " at "
                + at;
    }
}
