package org.iommu4j.pagetable;

import org.iommu4j.api.Access;

/**
 * One call on a domain, with everything it needs said beforehand, so that a sequence of them can be
 * replayed with some left out.
 *
 * @param kind which call
 * @param iova its first address
 * @param size its size
 * @param output what is mapped there
 * @param access with which access
 * @param pageSize to which page size a split goes
 * @param gather which of the gathers is used
 */
record Operation(
        Kind kind, long iova, long size, long output, Access access, long pageSize, int gather) {

    /** The calls. */
    enum Kind {
        MAP,
        MAP_AND_WAIT,
        TRY_MAP,
        UNMAP,
        UNMAP_AND_WAIT,
        CUT,
        SPLIT,
        COALESCE,
        SYNC,
        TRIM
    }

    @Override
    public String toString() {
        String range = " 0x" + Long.toHexString(iova) + "+0x" + Long.toHexString(size);
        return switch (kind) {
            case MAP, TRY_MAP ->
                    kind
                            + range
                            + " -> 0x"
                            + Long.toHexString(output)
                            + " ("
                            + access
                            + ") in gather "
                            + gather;
            case MAP_AND_WAIT ->
                    kind + range + " -> 0x" + Long.toHexString(output) + " (" + access + ")";
            case UNMAP, CUT, COALESCE -> kind + range + " in gather " + gather;
            case UNMAP_AND_WAIT -> kind + range;
            case SPLIT ->
                    kind + range + " to 0x" + Long.toHexString(pageSize) + " in gather " + gather;
            case SYNC -> kind + " gather " + gather;
            case TRIM -> kind.toString();
        };
    }
}
