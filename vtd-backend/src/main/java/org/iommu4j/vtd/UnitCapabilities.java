package org.iommu4j.vtd;

import java.util.List;
import java.util.stream.IntStream;
import org.iommu4j.api.Stage;

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
    private static final int FOUR_LEVELS = 4;

    /**
     * {@return true if the unit is driven in scalable mode, by PASID tables: it can be (SMTS) and
     * has tables of a stage there; else in legacy mode}
     */
    boolean isScalable() {
        return bit(extended, 43) && (bit(extended, 46) || bit(extended, 47));
    }

    /**
     * Says whether a domain of a stage can be attached in the unit's mode (SSTS, FSTS, PT).
     *
     * @param stage the stage
     * @return true if it can
     */
    boolean has(Stage stage) {
        return switch (stage) {
            case FIRST -> isScalable() && bit(extended, 47);
            case SECOND -> !isScalable() || bit(extended, 46);
            case PASS_THROUGH -> bit(extended, 6);
        };
    }

    /**
     * Says whether the unit can keep accessed and dirty bits in tables (SSADS; in the first stage
     * it always does), which takes coherent walks.
     *
     * @param stage first or second
     * @return true if it can
     */
    boolean keepsDirtyBits(Stage stage) {
        return isScalable() && walksCoherently() && (stage == Stage.FIRST || bit(extended, 45));
    }

    /**
     * {@return the number of bits of a process address space id (PASID, PSS); 0 if none is taken}
     */
    int pasidBits() {
        return isScalable() && bit(extended, 40) ? 1 + (int) bits(extended, 39, 35) : 0;
    }

    /** {@return true if devices may keep translations and ask for pages (DT, PRS)} */
    boolean takesPageRequests() {
        return isScalable() && bit(extended, 2) && bit(extended, 29);
    }

    /** {@return true if a request to a device's TLB names the function that it throttles (DIT)} */
    boolean throttlesDevices() {
        return bit(extended, 41);
    }

    /**
     * {@return true if the PASID entry says what the memory types of first-stage leaves are (MTS)}
     */
    boolean hasMemoryTypes() {
        return bit(extended, 25);
    }

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
     * Says whether tables of so many levels can be walked (SAGAW, FS5LP).
     *
     * @param stage first or second
     * @param levels 3 to 5
     * @return true if they can
     */
    boolean walks(Stage stage, int levels) {
        return has(stage)
                && (stage == Stage.FIRST
                        ? levels == FOUR_LEVELS || levels == MOST_LEVELS && bit(capability, 60)
                        : knowsWidth(levels));
    }

    private boolean knowsWidth(int levels) {
        return bit(capability, 8 + addressWidthCode(levels));
    }

    /**
     * Returns what a context or PASID entry calls second-stage tables of so many levels (AW).
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

    /** {@return the code (AW) of the widest address that the unit knows} */
    int widestAddressCode() {
        return IntStream.rangeClosed(FEWEST_LEVELS, MOST_LEVELS)
                .filter(this::knowsWidth)
                .map(UnitCapabilities::addressWidthCode)
                .max()
                .orElse(addressWidthCode(FOUR_LEVELS));
    }

    /**
     * Returns the widths a domain may have: one for each number of levels. Of the first stage only
     * the lower half of the canonical addresses is offered.
     *
     * @param stage first or second
     * @return the widths in bits, ascending
     */
    List<Integer> addressWidths(Stage stage) {
        return IntStream.rangeClosed(FEWEST_LEVELS, MOST_LEVELS)
                .filter(levels -> walks(stage, levels))
                .map(levels -> addressWidth(stage, levels))
                .distinct()
                .boxed()
                .toList();
    }

    private int addressWidth(Stage stage, int levels) {
        int reach = 12 + 9 * levels;
        return stage == Stage.FIRST ? reach - 1 : Math.min(reach, guestAddressWidth());
    }

    /**
     * Says whether a domain may have a width.
     *
     * @param stage first or second
     * @param levels the number of levels of its tables
     * @param width the width, in bits
     * @return true if it may
     */
    boolean fits(Stage stage, int levels, int width) {
        return walks(stage, levels) && width <= addressWidth(stage, levels);
    }

    /** {@return where the fault records are (FRO), in bytes from the first register} */
    int faultRecordOffset() {
        return (int) bits(capability, 33, 24) * 16;
    }

    /** {@return the number of fault records (NFR)} */
    int faultRecords() {
        return 1 + (int) bits(capability, 47, 40);
    }

    /**
     * Returns the page sizes (SSLPS, FS1GP).
     *
     * @param stage first or second
     * @return the sizes in bytes, OR-ed together
     */
    long pageSizes(Stage stage) {
        boolean first = stage == Stage.FIRST;
        return SMALL_PAGE
                | (first || bit(capability, 34) ? MEDIUM_PAGE : 0)
                | (bit(capability, first ? 56 : 35) ? LARGE_PAGE : 0);
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

    /**
     * {@return true if the unit snoops the processor's cache for everything it reads: the
     * structures that lead to page tables (C), and the page tables (C, or SMPWC in scalable mode)}
     */
    boolean isCoherent() {
        return bit(extended, 0) && walksCoherently();
    }

    /** {@return true if the unit snoops the processor's cache when it reads page tables} */
    boolean walksCoherently() {
        return bit(extended, isScalable() ? 48 : 0);
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
