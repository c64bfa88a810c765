package org.iommu4j.emulator;

import org.iommu4j.emulator.WalkLoads.Overtaken;
import org.iommu4j.emulator.WalkLoads.Walk;

/**
 * The way from the requester id of a request to its PASID directory in scalable mode: a half of an
 * entry of the root table, context table (VT-d, Scalable Mode Address Translation). It checks what
 * hardware checks, in that order. Any thread may call any method.
 */
final class ScalableWalk {

    private static final long PRESENT = 1;
    private static final long RESERVED_BELOW_ADDRESS = 0xffe;
    private static final int ROOT_ENTRY_BYTES = 16;
    private static final int CONTEXT_ENTRY_BYTES = 32;

    /* Each half of a root entry leads to a table of so many functions. */
    private static final int FUNCTIONS = 0x80;

    /* Context entry, first word. */
    private static final int SILENT = 1 << 1;
    private static final int DEVICE_TLB = 1 << 2;
    private static final int PASIDS = 1 << 3;
    private static final int PAGE_REQUESTS = 1 << 4;
    private static final long FIRST_RESERVED = 0x1e0;
    private static final int DIRECTORY_SIZE_SHIFT = 9;

    /* The smallest directory has 2^7 entries, each of a table of 2^6 PASIDs. */
    private static final int FEWEST_PASIDS_SHIFT = 13;

    /* Second word: RID_PASID, RID_PRIV. */
    private static final int RID_PASID = 0xf_ffff;
    private static final long SECOND_RESERVED = -1L << 21;

    private final Capabilities capabilities;
    private final WalkLoads loads;

    ScalableWalk(Capabilities capabilities, WalkLoads loads) {
        this.capabilities = capabilities;
        this.loads = loads;
    }

    /**
     * Walks.
     *
     * @param rootTable the physical address of the root table
     * @param source requester id
     * @param walk for which walk
     * @return what the context entry says
     * @throws Overtaken if an invalidation came since the walk began
     */
    DeviceContext walk(long rootTable, int source, Walk walk) throws Overtaken {
        if ((rootTable & capabilities.beyondHostAddress()) != 0) {
            return DeviceContext.fault(source, FaultReason.ROOT_TABLE_ADDRESS, false);
        }
        long half;
        try {
            int function = source & 0xff;
            long at = rootTable + (source >>> 8) * (long) ROOT_ENTRY_BYTES;
            half = loads.loadStructure(function < FUNCTIONS ? at : at + Long.BYTES, walk);
        } catch (IndexOutOfBoundsException e) {
            return DeviceContext.fault(source, FaultReason.SCALABLE_ROOT_ACCESS, false);
        }
        if ((half & PRESENT) == 0) {
            return DeviceContext.fault(source, FaultReason.SCALABLE_ROOT_NOT_PRESENT, false);
        }
        if ((half & (RESERVED_BELOW_ADDRESS | capabilities.beyondHostAddress())) != 0) {
            return DeviceContext.fault(source, FaultReason.SCALABLE_ROOT_RESERVED, false);
        }
        return context(capabilities.addressIn(half), source, walk);
    }

    private DeviceContext context(long contextTable, int source, Walk walk) throws Overtaken {
        long first;
        long second;
        long rest;
        try {
            long at = contextTable + (long) (source & FUNCTIONS - 1) * CONTEXT_ENTRY_BYTES;
            first = loads.loadStructure(at, walk);
            second = loads.loadStructure(at + 8, walk);
            rest = loads.loadStructure(at + 16, walk) | loads.loadStructure(at + 24, walk);
        } catch (IndexOutOfBoundsException e) {
            return DeviceContext.fault(source, FaultReason.SCALABLE_CONTEXT_ACCESS, false);
        }
        boolean silent = (first & SILENT) != 0;
        if ((first & PRESENT) == 0) {
            return DeviceContext.fault(source, FaultReason.SCALABLE_CONTEXT_NOT_PRESENT, silent);
        }
        long reserved = FIRST_RESERVED | capabilities.beyondHostAddress();
        if (!capabilities.pageRequests()) {
            reserved |= DEVICE_TLB | PAGE_REQUESTS;
        }
        if ((first & reserved | second & SECOND_RESERVED | rest) != 0) {
            return DeviceContext.fault(source, FaultReason.SCALABLE_CONTEXT_RESERVED, silent);
        }
        if ((first & PAGE_REQUESTS) != 0 && (first & DEVICE_TLB) == 0) {
            return DeviceContext.fault(source, FaultReason.SCALABLE_CONTEXT_INVALID, silent);
        }
        return new DeviceContext(
                source,
                capabilities.addressIn(first),
                1 << FEWEST_PASIDS_SHIFT + (int) (first >>> DIRECTORY_SIZE_SHIFT & 7),
                (int) second & RID_PASID,
                (first & PASIDS) != 0,
                flags(first),
                FaultReason.NONE);
    }

    private static int flags(long first) {
        return ((first & SILENT) != 0 ? Context.SILENT : 0)
                | ((first & DEVICE_TLB) != 0 ? Context.DEVICE_TLB : 0)
                | ((first & PAGE_REQUESTS) != 0 ? Context.PAGE_REQUESTS : 0);
    }
}
