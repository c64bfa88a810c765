package org.iommu4j.emulator;

import static org.iommu4j.machine.SourceId.NO_PASID;

import org.iommu4j.emulator.WalkLoads.Overtaken;
import org.iommu4j.emulator.WalkLoads.Walk;

/**
 * The way from the requester id of a request to its page tables in legacy mode: root table, context
 * table (VT-d, Legacy Mode Address Translation). It checks what hardware checks, in that order. Any
 * thread may call any method.
 */
final class LegacyWalk {

    private static final long PRESENT = 1;
    private static final long ENTRY_BYTES = 16;

    /* Root entry: low half; the high half is reserved. */
    private static final long ROOT_RESERVED = 0xffe;

    /* Context entry: low half, high half. */
    private static final long SILENT = 1 << 1;
    private static final int TYPE_SHIFT = 2;
    private static final long LOW_RESERVED = 0xff0;
    private static final long WIDTH = 7;
    private static final int DOMAIN_SHIFT = 8;
    private static final long DOMAIN = 0xffff;
    private static final long HIGH_RESERVED = 1L << 7 | -1L << 24;

    private static final int SECOND_STAGE = 0;
    private static final int PASS_THROUGH = 2;

    private final Capabilities capabilities;
    private final WalkLoads loads;

    LegacyWalk(Capabilities capabilities, WalkLoads loads) {
        this.capabilities = capabilities;
        this.loads = loads;
    }

    /**
     * Walks.
     *
     * @param rootTable the physical address of the root table
     * @param source requester id
     * @param walk for which walk
     * @return what the tables say
     * @throws Overtaken if an invalidation came since the walk began
     */
    Context walk(long rootTable, int source, Walk walk) throws Overtaken {
        long low;
        long high;
        try {
            long at = rootTable + (source >>> 8) * ENTRY_BYTES;
            low = loads.loadStructure(at, walk);
            high = loads.loadStructure(at + Long.BYTES, walk);
        } catch (IndexOutOfBoundsException e) {
            return Context.fault(source, NO_PASID, FaultReason.ROOT_ACCESS, false);
        }
        if ((low & PRESENT) == 0) {
            return Context.fault(source, NO_PASID, FaultReason.ROOT_NOT_PRESENT, false);
        }
        if ((low & (ROOT_RESERVED | capabilities.beyondHostAddress()) | high) != 0) {
            return Context.fault(source, NO_PASID, FaultReason.ROOT_RESERVED, false);
        }
        return context(capabilities.addressIn(low), source, walk);
    }

    private Context context(long contextTable, int source, Walk walk) throws Overtaken {
        long low;
        long high;
        try {
            long at = contextTable + (source & 0xff) * ENTRY_BYTES;
            low = loads.loadStructure(at, walk);
            high = loads.loadStructure(at + Long.BYTES, walk);
        } catch (IndexOutOfBoundsException e) {
            return Context.fault(source, NO_PASID, FaultReason.CONTEXT_ACCESS, false);
        }
        boolean silent = (low & SILENT) != 0;
        if ((low & PRESENT) == 0) {
            return Context.fault(source, NO_PASID, FaultReason.CONTEXT_NOT_PRESENT, silent);
        }
        long beyondDomains = DOMAIN & -1L << capabilities.domainIdBits();
        if ((low & (LOW_RESERVED | capabilities.beyondHostAddress())
                        | high & (HIGH_RESERVED | beyondDomains << DOMAIN_SHIFT))
                != 0) {
            return Context.fault(source, NO_PASID, FaultReason.CONTEXT_RESERVED, silent);
        }
        int type = (int) (low >>> TYPE_SHIFT) & 3;
        int width = (int) (high & WIDTH);
        if (type != SECOND_STAGE && type != PASS_THROUGH || !capabilities.supportsWidth(width)) {
            return Context.fault(source, NO_PASID, FaultReason.CONTEXT_INVALID, silent);
        }
        return Context.of(
                source,
                NO_PASID,
                (int) (high >>> DOMAIN_SHIFT & DOMAIN),
                capabilities.addressIn(low),
                Capabilities.levels(width),
                Math.min(Capabilities.width(width), capabilities.largestWidth()),
                type == PASS_THROUGH ? Stage.LEGACY_PASS_THROUGH : Stage.LEGACY,
                (silent ? Context.SILENT : 0) | (capabilities.coherent() ? Context.SNOOPED : 0));
    }
}
