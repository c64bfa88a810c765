package org.iommu4j.emulator;

import java.util.Arrays;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What the remapping units of a machine can do, and say in their capability registers. The rest of
 * the {@link EmulatorOptions} is what the machine is made of.
 *
 * <p>Each method that sets something returns a copy. What does not go together is refused when a
 * machine is made of it. Any thread may call any method.
 */
public abstract sealed class UnitOptions permits EmulatorOptions {

    private static final int MOST_PASID_BITS = 20;
    private static final String SCALABLE = "scalable mode";

    /* Written before the object is given away, never after: see with(). */
    private int[] addressWidths = {39, 48, 57};
    private long pageSizes = 1L << 12 | 1L << 21 | 1L << 30;
    private int domainIdBits = 16;
    private boolean cachingMode;
    private boolean writeBufferFlush;
    private boolean coherent = true;
    private int maxAddressMask = 18;
    private boolean pageSelective = true;
    private boolean drains = true;
    private boolean snoopControl;
    private int faultRecords = 8;
    private boolean scalable = true;
    private @Nullable Boolean firstStage;
    private @Nullable Boolean secondStage;
    private @Nullable Boolean accessedDirty;
    private @Nullable Boolean pageWalkCoherent;
    private @Nullable Boolean pageRequests;
    private int pasidBits;

    UnitOptions() {}

    /**
     * Sets the widths of I/O virtual addresses that the units can translate (CAP.SAGAW); the
     * largest is the most that a request may have (CAP.MGAW).
     *
     * @param bits one or more of 39 (3 levels of tables), 48 (4) and 57 (5)
     * @return a copy with them
     * @throws IllegalArgumentException if there is none, or one is not legal
     */
    public EmulatorOptions addressWidths(int... bits) {
        int[] sorted = bits.clone();
        Arrays.sort(sorted);
        if (sorted.length == 0
                || Arrays.stream(sorted)
                        .anyMatch(width -> width != 39 && width != 48 && width != 57)) {
            throw new IllegalArgumentException(
                    "address widths "
                            + Arrays.toString(bits)
                            + "; some of 39, 48 and 57 are legal");
        }
        return with(copy -> copy.addressWidths = sorted);
    }

    /**
     * Sets the sizes that a leaf may have (CAP.SSLPS).
     *
     * @param sizes the sizes in bytes, joined by |; 4 KiB, and perhaps 2 MiB and 1 GiB
     * @return a copy with them
     * @throws IllegalArgumentException if the sizes are not legal
     */
    public EmulatorOptions pageSizes(long sizes) {
        if ((sizes & 1L << 12) == 0 || (sizes & ~(1L << 12 | 1L << 21 | 1L << 30)) != 0) {
            throw new IllegalArgumentException(
                    "page sizes 0x"
                            + Long.toHexString(sizes)
                            + "; 0x1000 is legal, with 0x200000 and 0x40000000 or without");
        }
        return with(copy -> copy.pageSizes = sizes);
    }

    /**
     * Sets how many domain ids there are (CAP.ND).
     *
     * @param bits their width; an even number from 4 to 16
     * @return a copy with it
     * @throws IllegalArgumentException if the width is not legal
     */
    public EmulatorOptions domainIdBits(int bits) {
        requireBetween("bits of domain id", bits, 4, 16);
        if (bits % 2 != 0) {
            throw new IllegalArgumentException(
                    bits + " bits of domain id; an even number from 4 to 16 is legal");
        }
        return with(copy -> copy.domainIdBits = bits);
    }

    /**
     * Sets whether the units hold on to what is not present, too (CAP.CM).
     *
     * @param on true if they do
     * @return a copy with it
     */
    public EmulatorOptions cachingMode(boolean on) {
        return with(copy -> copy.cachingMode = on);
    }

    /**
     * Sets whether software's stores wait in a write buffer until it is flushed (CAP.RWBF).
     *
     * @param on true if they do
     * @return a copy with it
     */
    public EmulatorOptions writeBufferFlush(boolean on) {
        return with(copy -> copy.writeBufferFlush = on);
    }

    /**
     * Sets whether the units snoop the processor's cache when they read tables (ECAP.C).
     *
     * @param on false if they see only what was written back
     * @return a copy with it
     */
    public EmulatorOptions coherent(boolean on) {
        return with(copy -> copy.coherent = on);
    }

    /**
     * Sets the most that one page-selective invalidation can cover (CAP.MAMV).
     *
     * @param bits 0 to 51: two to this power are the pages
     * @return a copy with it
     * @throws IllegalArgumentException if the number is not legal
     */
    public EmulatorOptions maxAddressMask(int bits) {
        requireBetween("bits of address mask", bits, 0, 51);
        return with(copy -> copy.maxAddressMask = bits);
    }

    /**
     * Sets whether there is page-selective invalidation at all (CAP.PSI).
     *
     * @param on true if there is
     * @return a copy with it
     */
    public EmulatorOptions pageSelective(boolean on) {
        return with(copy -> copy.pageSelective = on);
    }

    /**
     * Sets whether an invalidation can wait for what was translated before it (CAP.DRD, CAP.DWD).
     *
     * @param on true if it can
     * @return a copy with it
     */
    public EmulatorOptions drains(boolean on) {
        return with(copy -> copy.drains = on);
    }

    /**
     * Sets whether leaves may force snooping (ECAP.SC); without it that bit is reserved.
     *
     * @param on true if they may
     * @return a copy with it
     */
    public EmulatorOptions snoopControl(boolean on) {
        return with(copy -> copy.snoopControl = on);
    }

    /**
     * Sets the number of fault recording registers of a unit (CAP.NFR).
     *
     * @param count 1 to 128
     * @return a copy with it
     * @throws IllegalArgumentException if the number is not legal
     */
    public EmulatorOptions faultRecords(int count) {
        requireBetween("fault records", count, 1, 128);
        return with(copy -> copy.faultRecords = count);
    }

    /**
     * Sets whether the units have scalable mode (ECAP.SMTS): PASID tables, and one or both stages
     * by choice of each PASID. Software turns it on; legacy mode is there in any case. They have it
     * by default.
     *
     * @param on true if they have
     * @return a copy with it
     */
    public EmulatorOptions scalable(boolean on) {
        return with(copy -> copy.scalable = on);
    }

    /**
     * Sets whether scalable mode has first-stage translation (ECAP.FSTS): 4 levels, 5 where 57 is
     * among the address widths (CAP.FS5LP), and leaves of 2 MiB in any case, of 1 GiB where they
     * are among the page sizes (CAP.FS1GP). It has by default.
     *
     * @param on true if it has
     * @return a copy with it
     */
    public EmulatorOptions firstStage(boolean on) {
        return with(copy -> copy.firstStage = on);
    }

    /**
     * Sets whether scalable mode has second-stage translation (ECAP.SSTS). It has by default.
     *
     * @param on true if it has
     * @return a copy with it
     */
    public EmulatorOptions secondStage(boolean on) {
        return with(copy -> copy.secondStage = on);
    }

    /**
     * Sets whether second-stage translation of scalable mode can write accessed and dirty bits
     * (ECAP.SSADS). By default it can where page walks are coherent; elsewhere it never can.
     *
     * @param on true if it can
     * @return a copy with it
     */
    public EmulatorOptions accessedDirty(boolean on) {
        return with(copy -> copy.accessedDirty = on);
    }

    /**
     * Sets whether page walks of scalable mode can snoop the processor's cache (ECAP.SMPWC). By
     * default they can where the units snoop it for other tables, {@link #coherent}.
     *
     * @param on true if they can
     * @return a copy with it
     */
    public EmulatorOptions pageWalkCoherent(boolean on) {
        return with(copy -> copy.pageWalkCoherent = on);
    }

    /**
     * Sets the width of process address space ids in scalable mode (ECAP.PSS); 20 bits by default.
     *
     * @param bits 1 to 20
     * @return a copy with it
     * @throws IllegalArgumentException if the width is not legal
     */
    public EmulatorOptions pasidBits(int bits) {
        requireBetween("bits of process address space id", bits, 1, MOST_PASID_BITS);
        return with(copy -> copy.pasidBits = bits);
    }

    /**
     * Sets whether devices may translate for themselves and ask for missing pages in scalable mode
     * (ECAP.DT, ECAP.PRS). They may by default.
     *
     * @param on true if they may
     * @return a copy with it
     */
    public EmulatorOptions pageRequests(boolean on) {
        return with(copy -> copy.pageRequests = on);
    }

    int[] widths() {
        return addressWidths.clone();
    }

    long pageSizes() {
        return pageSizes;
    }

    int domainIdBits() {
        return domainIdBits;
    }

    boolean cachingMode() {
        return cachingMode;
    }

    boolean writeBufferFlush() {
        return writeBufferFlush;
    }

    boolean coherent() {
        return coherent;
    }

    int maxAddressMask() {
        return maxAddressMask;
    }

    boolean pageSelective() {
        return pageSelective;
    }

    boolean drains() {
        return drains;
    }

    boolean snoopControl() {
        return snoopControl;
    }

    int faultRecords() {
        return faultRecords;
    }

    boolean scalable() {
        return scalable;
    }

    boolean firstStage() {
        return scalable && (firstStage == null || firstStage);
    }

    boolean secondStage() {
        return scalable && (secondStage == null || secondStage);
    }

    boolean accessedDirty() {
        return accessedDirty == null ? secondStage() && pageWalkCoherent() : accessedDirty;
    }

    boolean pageWalkCoherent() {
        return scalable && (pageWalkCoherent == null ? coherent : pageWalkCoherent);
    }

    int pasidBits() {
        return pasidBits == 0 && scalable ? MOST_PASID_BITS : pasidBits;
    }

    boolean pageRequests() {
        return pageRequests == null ? scalable : pageRequests;
    }

    /**
     * Makes sure that there can be such a unit.
     *
     * @throws IllegalArgumentException if some of it does not go together
     */
    final void requireConsistent() {
        if (!scalable) {
            refuse(Boolean.TRUE.equals(firstStage), "first-stage translation", SCALABLE);
            refuse(Boolean.TRUE.equals(secondStage), "a choice of second stage", SCALABLE);
            refuse(Boolean.TRUE.equals(accessedDirty), "accessed and dirty bits", SCALABLE);
            refuse(Boolean.TRUE.equals(pageWalkCoherent), "page walks that snoop apart", SCALABLE);
            refuse(pasidBits != 0, "process address space ids", SCALABLE);
            refuse(Boolean.TRUE.equals(pageRequests), "page requests", SCALABLE);
            return;
        }
        refuse(!firstStage() && !secondStage(), "scalable mode", "a stage: first, second or both");
        refuse(accessedDirty() && !secondStage(), "accessed and dirty bits", "second stage");
        refuse(
                accessedDirty() && !pageWalkCoherent(),
                "accessed and dirty bits",
                "page walks that are coherent");
    }

    private static void refuse(boolean illegal, String what, String without) {
        if (illegal) {
            throw new IllegalArgumentException(what + " without " + without);
        }
    }

    /** {@return a copy that may still be written} */
    abstract EmulatorOptions copy();

    private EmulatorOptions with(Consumer<UnitOptions> change) {
        EmulatorOptions copy = copy();
        change.accept(copy);
        return copy;
    }

    static void requireBetween(String what, int value, int least, int most) {
        if (value < least || value > most) {
            throw new IllegalArgumentException(
                    value + " " + what + "; " + least + " to " + most + " are legal");
        }
    }
}
