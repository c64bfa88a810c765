package org.iommu4j.emulator;

import org.iommu4j.machine.PhysicalMemory;

/**
 * Reads second-stage tables as they are in memory, for the sanitizer: what they map, and whether a
 * change of one entry keeps it. Any thread may call any method.
 */
final class TableReader {

    /** Says what a change takes away from addresses that it must not take anything from. */
    static final class Lost extends Exception {
        private static final long serialVersionUID = 1L;
        private final String rule;
        private final long iova;

        Lost(String rule, String what, long iova) {
            super(what, null, false, false);
            this.rule = rule;
            this.iova = iova;
        }

        String rule() {
            return rule;
        }

        long iova() {
            return iova;
        }
    }

    /** Decides which addresses may come to be unmapped. */
    @FunctionalInterface
    interface Licence {

        /** {@return true if everything in [start, end) may be unmapped} */
        boolean permits(long start, long end);
    }

    private final PhysicalMemory memory;

    TableReader(PhysicalMemory memory) {
        this.memory = memory;
    }

    /**
     * Says how an address may be accessed.
     *
     * @param root the root of the tables
     * @param levels how many there are
     * @param iova the address
     * @return the permissions; 0 if it is not mapped
     */
    long access(long root, int levels, long iova) {
        long access = SecondStageEntry.ACCESS;
        long table = root;
        for (int level = levels - 1; level >= 0; level--) {
            long entry = load(SecondStageEntry.slot(table, iova, level));
            access &= entry;
            if (!SecondStageEntry.isTable(entry, level)) {
                return access;
            }
            table = SecondStageEntry.table(entry);
        }
        return access;
    }

    /**
     * Finds an address of a range that is mapped.
     *
     * @param table a table
     * @param level its level
     * @param base the first address of the table's range
     * @param start the first address
     * @param end the end, exclusive
     * @return the address, or -1
     */
    long firstMapped(long table, int level, long base, long start, long end) {
        long span = SecondStageEntry.span(level);
        long first = Math.max(start, base);
        long last = Math.min(end, base + SecondStageEntry.ENTRIES * span);
        for (long at = first; at < last; at = (at & -span) + span) {
            long entry = load(SecondStageEntry.slot(table, at, level));
            long found =
                    SecondStageEntry.isTable(entry, level)
                            ? firstMapped(
                                    SecondStageEntry.table(entry),
                                    level - 1,
                                    at & -span,
                                    at,
                                    Math.min(last, (at & -span) + span))
                            : SecondStageEntry.isPresent(entry) ? at : -1;
            if (found >= 0) {
                return found;
            }
        }
        return -1;
    }

    /**
     * Makes sure that a change of an entry keeps what it maps: output address, permissions,
     * attributes and dirty bits, whatever the size of its pages.
     *
     * @param before the entry as it was
     * @param after the entry as it will be
     * @param level its level
     * @param iova the first address it decides
     * @param licence what may be unmapped
     * @throws Lost if it does not
     */
    void requireKept(long before, long after, int level, long iova, Licence licence) throws Lost {
        compare(
                before,
                SecondStageEntry.ACCESS,
                after,
                SecondStageEntry.ACCESS,
                level,
                iova,
                licence);
    }

    private void compare(
            long before,
            long grantBefore,
            long after,
            long grantAfter,
            int level,
            long iova,
            Licence licence)
            throws Lost {
        if (!SecondStageEntry.isPresent(before)) {
            return;
        }
        boolean leafBefore = SecondStageEntry.isLeaf(before, level);
        if (leafBefore && !SecondStageEntry.isTable(after, level)) {
            if (!licence.permits(iova, iova + SecondStageEntry.span(level))) {
                requireSame(before, before & grantBefore, after, after & grantAfter, level, iova);
            }
            return;
        }
        if (licence.permits(iova, iova + SecondStageEntry.span(level))) {
            return;
        }
        boolean sameTable =
                !leafBefore
                        && SecondStageEntry.isTable(after, level)
                        && SecondStageEntry.table(before) == SecondStageEntry.table(after);
        if (sameTable && (before & grantBefore & ~(after & grantAfter)) == 0) {
            return;
        }
        long span = SecondStageEntry.span(level - 1);
        for (int i = 0; i < SecondStageEntry.ENTRIES; i++) {
            compare(
                    below(before, level, i),
                    before & grantBefore,
                    below(after, level, i),
                    after & grantAfter,
                    level - 1,
                    iova + i * span,
                    licence);
        }
    }

    private static void requireSame(
            long before, long accessBefore, long after, long accessAfter, int level, long iova)
            throws Lost {
        if (!SecondStageEntry.isPresent(after)) {
            throw new Lost("S1", "is not mapped any more", iova);
        }
        if (SecondStageEntry.page(before, level) != SecondStageEntry.page(after, level)) {
            throw new Lost("S1", "gets another output address", iova);
        }
        if ((accessBefore & ~accessAfter & SecondStageEntry.ACCESS) != 0) {
            throw new Lost("S1", "loses a permission", iova);
        }
        if (SecondStageEntry.attributes(before) != SecondStageEntry.attributes(after)) {
            throw new Lost("S2", "gets another memory type or snoop bit", iova);
        }
        if (SecondStageEntry.isDirty(before) && !SecondStageEntry.isDirty(after)) {
            throw new Lost("S4", "loses its dirty bit", iova);
        }
    }

    /** What decides a part of an entry: the entry of its table, or a part of the leaf. */
    private long below(long entry, int level, int index) {
        if (SecondStageEntry.isTable(entry, level)) {
            return load(SecondStageEntry.table(entry) + (long) index * Long.BYTES);
        }
        return SecondStageEntry.isPresent(entry) ? SecondStageEntry.part(entry, level, index) : 0;
    }

    private long load(long address) {
        return memory.containsPage(address & -PhysicalMemory.PAGE_SIZE)
                ? memory.loadAcquire(address)
                : 0;
    }
}
