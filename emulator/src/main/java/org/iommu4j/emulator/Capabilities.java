package org.iommu4j.emulator;

import org.iommu4j.machine.PhysicalMemory;

/** What a unit says it can do: its capability registers, and the same facts decoded. */
final class Capabilities {

    /** Offset of the fault recording registers. */
    static final int FAULT_RECORDS = 0x400;

    /** Offset of the IOTLB registers. */
    static final int IOTLB = 0x200;

    private static final int QUEUED_INVALIDATION = 1 << 1;
    private static final int PASS_THROUGH = 1 << 6;
    private static final long EXECUTE_REQUESTS = 1L << 30;
    private static final long SUPERVISOR_REQUESTS = 1L << 31;
    private static final long PASIDS = 1L << 40;
    private static final long SCALABLE_MODE = 1L << 43;
    private static final long RID_PASID = 1L << 49;
    private static final long ADDRESS = -PhysicalMemory.PAGE_SIZE;

    private final long capability;
    private final long extended;
    private final int supportedWidths;
    private final int largestWidth;
    private final int hostAddressWidth;
    private final UnitOptions options;
    private final int domainIdBits;
    private final long pageSizes;
    private final boolean snoopControl;
    private final boolean cachingMode;
    private final boolean pageSelective;
    private final int maxAddressMask;

    Capabilities(EmulatorOptions options) {
        this.options = options;
        int[] widths = options.widths();
        int encoded = 0;
        for (int width : widths) {
            encoded |= 1 << encodingOf(width);
        }
        this.supportedWidths = encoded;
        this.largestWidth = widths[widths.length - 1];
        this.hostAddressWidth = options.hostAddressWidth();
        this.domainIdBits = options.domainIdBits();
        this.pageSizes = options.pageSizes();
        this.snoopControl = options.snoopControl();
        this.cachingMode = options.cachingMode();
        this.pageSelective = options.pageSelective();
        this.maxAddressMask = pageSelective ? options.maxAddressMask() : 0;
        this.capability = capability(options);
        this.extended = extended(options);
    }

    private static long extended(UnitOptions options) {
        long legacy =
                bit(options.coherent(), 0)
                        | QUEUED_INVALIDATION
                        | PASS_THROUGH
                        | bit(options.snoopControl(), 7)
                        | (long) (IOTLB / 16) << 8;
        if (!options.scalable()) {
            return legacy;
        }
        return legacy
                | bit(options.pageRequests(), 2)
                | bit(options.pageRequests(), 29)
                | EXECUTE_REQUESTS
                | SUPERVISOR_REQUESTS
                | (long) (options.pasidBits() - 1) << 35
                | PASIDS
                | SCALABLE_MODE
                | bit(options.accessedDirty(), 45)
                | bit(options.secondStage(), 46)
                | bit(options.firstStage(), 47)
                | bit(options.pageWalkCoherent(), 48)
                | RID_PASID;
    }

    private long capability(EmulatorOptions options) {
        return (domainIdBits - 4) / 2
                | bit(options.writeBufferFlush(), 4)
                | bit(cachingMode, 7)
                | (long) supportedWidths << 8
                | (long) (largestWidth - 1) << 16
                | (long) (FAULT_RECORDS / 16) << 24
                | bit(supportsLeaf(1), 34)
                | bit(supportsLeaf(2), 35)
                | bit(pageSelective, 39)
                | (long) (options.faultRecords() - 1) << 40
                | (long) maxAddressMask << 48
                | bit(options.drains(), 54)
                | bit(options.drains(), 55)
                | bit(options.firstStage() && supportsLeaf(2), 56)
                | bit(options.firstStage() && supportsWidth(3), 60);
    }

    /** {@return the capability register} */
    long capability() {
        return capability;
    }

    /** {@return the extended capability register} */
    long extended() {
        return extended;
    }

    /**
     * Says whether the units can translate addresses of a width.
     *
     * @param encoding the width as a context entry has it: 1 = 39 bits, 2 = 48, 3 = 57
     */
    boolean supportsWidth(int encoding) {
        return (supportedWidths >>> encoding & 1) != 0;
    }

    /** {@return the most bits that a request may have} */
    int largestWidth() {
        return largestWidth;
    }

    /**
     * Says whether a table entry may be a leaf.
     *
     * @param level its level; 0 = 4 KiB
     */
    boolean supportsLeaf(int level) {
        return level <= 2 && (pageSizes >>> 12 + 9 * level & 1) != 0;
    }

    /** {@return the bits from 12 up that no physical address has} */
    long beyondHostAddress() {
        return ADDRESS & ~((1L << hostAddressWidth) - 1);
    }

    /** {@return the physical address in an entry} */
    long addressIn(long entry) {
        return entry & ADDRESS & (1L << hostAddressWidth) - 1;
    }

    int hostAddressWidth() {
        return hostAddressWidth;
    }

    /**
     * {@return true if root, context and PASID tables, and page tables of legacy mode, are snooped}
     */
    boolean coherent() {
        return options.coherent();
    }

    boolean scalable() {
        return options.scalable();
    }

    boolean firstStage() {
        return options.firstStage();
    }

    boolean fiveLevels() {
        return options.firstStage() && supportsWidth(3);
    }

    boolean secondStage() {
        return options.secondStage();
    }

    boolean accessedDirty() {
        return options.accessedDirty();
    }

    /** {@return true if page walks of scalable mode can snoop} */
    boolean pageWalkCoherent() {
        return options.pageWalkCoherent();
    }

    boolean pageRequests() {
        return options.pageRequests();
    }

    int domainIdBits() {
        return domainIdBits;
    }

    boolean snoopControl() {
        return snoopControl;
    }

    boolean cachingMode() {
        return cachingMode;
    }

    boolean pageSelective() {
        return pageSelective;
    }

    int maxAddressMask() {
        return maxAddressMask;
    }

    /** {@return the number of table levels that a width takes, by its encoding} */
    static int levels(int encoding) {
        return encoding + 2;
    }

    /** {@return the bits of a width, by its encoding} */
    static int width(int encoding) {
        return 30 + 9 * encoding;
    }

    private static int encodingOf(int width) {
        return (width - 30) / 9;
    }

    private static long bit(boolean on, int position) {
        return on ? 1L << position : 0;
    }
}
