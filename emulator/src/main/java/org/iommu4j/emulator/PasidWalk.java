package org.iommu4j.emulator;

import org.iommu4j.emulator.WalkLoads.Overtaken;
import org.iommu4j.emulator.WalkLoads.Walk;

/**
 * The way from a PASID to its page tables: PASID directory, PASID table (VT-d, Scalable-Mode PASID
 * Table Entry). It checks what hardware checks, in that order. Any thread may call any method.
 */
final class PasidWalk {

    private static final long PRESENT = 1;
    private static final long SILENT = 1 << 1;

    /* A directory entry leads to a table of so many PASIDs. */
    private static final int TABLE_SHIFT = 6;
    private static final long DIRECTORY_RESERVED = 0xffc;

    private static final int ENTRY_BYTES = 64;

    /* Entry, first word. */
    private static final int WIDTH_SHIFT = 2;
    private static final int TYPE_SHIFT = 6;
    private static final long EXECUTE_OF_SECOND_STAGE = 1 << 5;
    private static final long ACCESSED_DIRTY = 1 << 9;
    private static final long FIRST_RESERVED = EXECUTE_OF_SECOND_STAGE | 0xc00;

    /* Second word. */
    private static final long DOMAIN = 0xffff;
    private static final long SNOOPED = 1 << 23;
    private static final long SNOOPED_PAGES = 1 << 24;
    private static final long SECOND_RESERVED = 0x7f_0000;

    /* Third word. */
    private static final long SUPERVISOR = 1;
    private static final long EXECUTES = 1 << 1;
    private static final int LEVELS_SHIFT = 2;
    private static final long WRITE_PROTECT = 1 << 4;
    private static final long THIRD_RESERVED = 0xfe0;

    private static final int FIRST_STAGE = 1;
    private static final int SECOND_STAGE = 2;
    private static final int PASS_THROUGH = 4;

    private final Capabilities capabilities;
    private final WalkLoads loads;

    PasidWalk(Capabilities capabilities, WalkLoads loads) {
        this.capabilities = capabilities;
        this.loads = loads;
    }

    /**
     * Walks.
     *
     * @param device what the context entry says
     * @param pasid whose tables; less than the device has
     * @param walk for which walk
     * @return what the entry of the PASID table says
     * @throws Overtaken if an invalidation came since the walk began
     */
    Context walk(DeviceContext device, int pasid, Walk walk) throws Overtaken {
        int source = device.source();
        long entry;
        try {
            long at = device.directory() + (long) (pasid >>> TABLE_SHIFT) * Long.BYTES;
            entry = loads.loadStructure(at, walk);
        } catch (IndexOutOfBoundsException e) {
            return Context.fault(source, pasid, FaultReason.DIRECTORY_ACCESS, false);
        }
        boolean silent = (entry & SILENT) != 0;
        if ((entry & PRESENT) == 0) {
            return Context.fault(source, pasid, FaultReason.DIRECTORY_NOT_PRESENT, silent);
        }
        if ((entry & (DIRECTORY_RESERVED | capabilities.beyondHostAddress())) != 0) {
            return Context.fault(source, pasid, FaultReason.DIRECTORY_RESERVED, silent);
        }
        long place = (long) (pasid & (1 << TABLE_SHIFT) - 1) * ENTRY_BYTES;
        return entry(source, pasid, capabilities.addressIn(entry) + place, silent, walk);
    }

    private Context entry(int source, int pasid, long at, boolean directorySilent, Walk walk)
            throws Overtaken {
        long first;
        long second;
        long third;
        long rest = 0;
        try {
            first = loads.loadStructure(at, walk);
            second = loads.loadStructure(at + 8, walk);
            third = loads.loadStructure(at + 16, walk);
            for (int offset = 24; offset < ENTRY_BYTES; offset += Long.BYTES) {
                rest |= loads.loadStructure(at + offset, walk);
            }
        } catch (IndexOutOfBoundsException e) {
            return Context.fault(source, pasid, FaultReason.PASID_ACCESS, directorySilent);
        }
        boolean silent = directorySilent || (first & SILENT) != 0;
        if ((first & PRESENT) == 0) {
            return Context.fault(source, pasid, FaultReason.PASID_NOT_PRESENT, silent);
        }
        int type = (int) (first >>> TYPE_SHIFT) & 7;
        if (isReserved(first, second, third, type) || rest != 0) {
            return Context.fault(source, pasid, FaultReason.PASID_RESERVED, silent);
        }
        int flags =
                (silent ? Context.SILENT : 0)
                        | ((second & SNOOPED) != 0 ? Context.SNOOPED : 0)
                        | ((third & SUPERVISOR) != 0 ? Context.SUPERVISOR : 0)
                        | ((third & WRITE_PROTECT) == 0 ? Context.SUPERVISOR_WRITES : 0)
                        | ((third & EXECUTES) != 0 ? Context.EXECUTES : 0);
        int domain = (int) (second & DOMAIN);
        return switch (type) {
            case FIRST_STAGE -> firstStage(source, pasid, domain, third, flags);
            case SECOND_STAGE -> secondStage(source, pasid, domain, first, flags);
            case PASS_THROUGH ->
                    Context.of(
                            source,
                            pasid,
                            domain,
                            0,
                            0,
                            capabilities.hostAddressWidth(),
                            Stage.PASS_THROUGH,
                            flags);
            default -> invalid(source, pasid, flags);
        };
    }

    private boolean isReserved(long first, long second, long third, int type) {
        long pointer =
                switch (type) {
                    case FIRST_STAGE -> third;
                    case SECOND_STAGE -> first;
                    default -> 0;
                };
        long inFirst = FIRST_RESERVED | (capabilities.accessedDirty() ? 0 : ACCESSED_DIRTY);
        long inSecond =
                SECOND_RESERVED
                        | DOMAIN & -1L << capabilities.domainIdBits()
                        | (capabilities.pageWalkCoherent() ? 0 : SNOOPED)
                        | (capabilities.snoopControl() ? 0 : SNOOPED_PAGES);
        return (pointer & capabilities.beyondHostAddress()
                        | first & inFirst
                        | second & inSecond
                        | third & THIRD_RESERVED)
                != 0;
    }

    private Context firstStage(int source, int pasid, int domain, long third, int flags) {
        int fifth = (int) (third >>> LEVELS_SHIFT) & 3;
        if (!capabilities.firstStage() || fifth > 1 || fifth == 1 && !capabilities.fiveLevels()) {
            return invalid(source, pasid, flags);
        }
        int levels = 4 + fifth;
        return Context.of(
                source,
                pasid,
                domain,
                capabilities.addressIn(third),
                levels,
                TablePointer.shift(levels),
                Stage.FIRST,
                flags | Context.ACCESSED_DIRTY);
    }

    private Context secondStage(int source, int pasid, int domain, long first, int flags) {
        int width = (int) (first >>> WIDTH_SHIFT) & 7;
        if (!capabilities.secondStage() || !capabilities.supportsWidth(width)) {
            return invalid(source, pasid, flags);
        }
        return Context.of(
                source,
                pasid,
                domain,
                capabilities.addressIn(first),
                Capabilities.levels(width),
                Math.min(Capabilities.width(width), capabilities.largestWidth()),
                Stage.SECOND,
                flags | ((first & ACCESSED_DIRTY) != 0 ? Context.ACCESSED_DIRTY : 0));
    }

    private static Context invalid(int source, int pasid, int flags) {
        boolean silent = (flags & Context.SILENT) != 0;
        return Context.fault(source, pasid, FaultReason.PASID_INVALID, silent);
    }
}
