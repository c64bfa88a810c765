package org.iommu4j.vtd;

import java.util.List;
import java.util.stream.IntStream;

/**
 * What one unit says of itself (VT-d, Capability Register and Extended Capability Register).
 *
 * @param capability the register CAP
 * @param extended the register ECAP
 */
record UnitCapabilities(long capability, long extended) {

    private static final long SMALL_PAGE = 1L << 12;
    private static final long MEDIUM_PAGE = 1L << 21;
    private static final long LARGE_PAGE = 1L << 30;
    private static final int FEWEST_LEVELS = 3;
    private static final int MOST_LEVELS = 5;
    private static final int MOST_DOMAIN_ID_BITS = 16;

    /** {@return the number of bits of a domain id (ND)} */
    int domainIdBits() {
        return Math.min(4 + 2 * (int) bits(capability, 2, 0), MOST_DOMAIN_ID_BITS);
    }

    /**
     * {@return true if software flushes the unit's write buffer after it added something (RWBF)}
     */
    boolean needsWriteBufferFlush() {
        return bit(capability, 4);
    }

    /** {@return true if memory may be protected from DMA until software ends it (PLMR, PHMR)} */
    boolean hasProtectedMemory() {
        return bit(capability, 5) || bit(capability, 6);
    }

    /** {@return true if the unit may cache that an entry is absent (CM)} */
    boolean cachesAbsentEntries() {
        return bit(capability, 7);
    }

    /**
     * Says whether second-stage tables of so many levels can be walked (SAGAW).
     *
     * @param levels 3 to 5
     * @return true if they can
     */
    boolean walks(int levels) {
        return bit(capability, 8 + addressWidthCode(levels));
    }

    /**
     * Returns what a context entry calls tables of so many levels (AW).
     *
     * @param levels 3 to 5
     * @return 1 to 3
     */
    static int addressWidthCode(int levels) {
        return levels - 2;
    }

    /** {@return the width beyond which no request is translated, in bits (MGAW)} */
    int guestAddressWidth() {
        return 1 + (int) bits(capability, 21, 16);
    }

    /** {@return the widths a domain may have, ascending, in bits: one for each number of levels} */
    List<Integer> addressWidths() {
        return IntStream.rangeClosed(FEWEST_LEVELS, MOST_LEVELS)
                .filter(this::walks)
                .map(levels -> Math.min(12 + 9 * levels, guestAddressWidth()))
                .distinct()
                .boxed()
                .toList();
    }

    /** {@return where the fault records are (FRO), in bytes from the first register} */
    int faultRecordOffset() {
        return (int) bits(capability, 33, 24) * 16;
    }

    /** {@return the number of fault records (NFR)} */
    int faultRecords() {
        return 1 + (int) bits(capability, 47, 40);
    }

    /** {@return the page sizes in bytes, OR-ed together (SSLPS)} */
    long pageSizes() {
        return SMALL_PAGE
                | (bit(capability, 34) ? MEDIUM_PAGE : 0)
                | (bit(capability, 35) ? LARGE_PAGE : 0);
    }

    /** {@return the largest order of a page-selective request (PSI, MAMV), -1 if there is none} */
    int maxOrder() {
        return bit(capability, 39) ? (int) bits(capability, 53, 48) : -1;
    }

    /** {@return true if an invalidation can wait for writes that were translated before (DWD)} */
    boolean drainsWrites() {
        return bit(capability, 54);
    }

    /** {@return true if an invalidation can wait for reads that were translated before (DRD)} */
    boolean drainsReads() {
        return bit(capability, 55);
    }

    /** {@return true if the unit snoops the processor's cache (C)} */
    boolean isCoherent() {
        return bit(extended, 0);
    }

    /** {@return true if there is an invalidation queue (QI)} */
    boolean hasQueue() {
        return bit(extended, 1);
    }

    /** {@return true if a leaf may force snooping (SC)} */
    boolean controlsSnoop() {
        return bit(extended, 7);
    }

    private static boolean bit(long register, int bit) {
        return (register >>> bit & 1) != 0;
    }

    private static long bits(long register, int high, int low) {
        return register >>> low & (1L << high - low + 1) - 1;
    }

    @Override
    public String toString() {
        return "CAP 0x" + Long.toHexString(capability) + ", ECAP 0x" + Long.toHexString(extended);
    }
}
