package org.iommu4j.emulator;

import org.iommu4j.machine.PhysicalMemory;

/**
 * Reads page tables as they are in memory, for the sanitizer: what they map, and whether a change
 * of one entry keeps it. Any thread may call any method.
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

    /** Decides what a change may take away. */
    interface Licence {

        /** {@return true if everything in [start, end) may be unmapped} */
        boolean permits(long start, long end);

        /** {@return true if the dirty bits of [start, end) may be cleared} */
        boolean cleans(long start, long end);
    }

    private static final int EVERYTHING =
            Translation.READ | Translation.WRITE | Translation.EXECUTE | Translation.USER;

    private final PhysicalMemory memory;

    TableReader(PhysicalMemory memory) {
        this.memory = memory;
    }

    /**
     * Says how an address may be accessed.
     *
     * @param format how entries are read
     * @param root the root of the tables
     * @param levels how many there are
     * @param iova the address
     * @return the permissions; 0 if it is not mapped
     */
    int access(EntryFormat format, long root, int levels, long iova) {
        int access = EVERYTHING;
        long table = root;
        for (int level = levels - 1; level >= 0; level--) {
            long entry = load(EntryFormat.slot(table, iova, level));
            access &= format.access(entry);
            if (!format.isTable(entry, level)) {
                return access;
            }
            table = EntryFormat.table(entry);
        }
        return access;
    }

    /**
     * Finds an address of a range that is mapped.
     *
     * @param format how entries are read
     * @param table a table
     * @param level its level
     * @param base the first address of the table's range
     * @param start the first address
     * @param end the end, exclusive
     * @return the address, or -1
     */
    long firstMapped(EntryFormat format, long table, int level, long base, long start, long end) {
        long span = EntryFormat.span(level);
        long first = Math.max(start, base);
        long last = Math.min(end, base + EntryFormat.ENTRIES * span);
        for (long at = first; at < last; at = (at & -span) + span) {
            long entry = load(EntryFormat.slot(table, at, level));
            long found =
                    format.isTable(entry, level)
                            ? firstMapped(
                                    format,
                                    EntryFormat.table(entry),
                                    level - 1,
                                    at & -span,
                                    at,
                                    Math.min(last, (at & -span) + span))
                            : format.isPresent(entry) ? at : -1;
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
     * @param format how entries are read
     * @param before the entry as it was
     * @param after the entry as it will be
     * @param level its level
     * @param iova the first address it decides
     * @param licence what may be unmapped
     * @throws Lost if it does not
     */
    void requireKept(
            EntryFormat format, long before, long after, int level, long iova, Licence licence)
            throws Lost {
        new Comparison(format, licence).compare(before, EVERYTHING, after, EVERYTHING, level, iova);
    }

    /** Of the two sides of one change. */
    private final class Comparison {

        private final EntryFormat format;
        private final Licence licence;

        Comparison(EntryFormat format, Licence licence) {
            this.format = format;
            this.licence = licence;
        }

        /* The entries, and what those above them grant. */
        private void compare(
                long before, int grantBefore, long after, int grantAfter, int level, long iova)
                throws Lost {
            if (!format.isPresent(before)) {
                return;
            }
            int accessBefore = format.access(before) & grantBefore;
            int accessAfter = format.access(after) & grantAfter;
            boolean leafBefore = format.isLeaf(before, level);
            if (licence.permits(iova, iova + EntryFormat.span(level))) {
                return;
            }
            if (leafBefore && !format.isTable(after, level)) {
                requireSame(before, accessBefore, after, accessAfter, level, iova);
                return;
            }
            boolean sameTable =
                    !leafBefore
                            && format.isTable(after, level)
                            && EntryFormat.table(before) == EntryFormat.table(after);
            if (sameTable && (accessBefore & ~accessAfter) == 0) {
                return;
            }
            long span = EntryFormat.span(level - 1);
            for (int i = 0; i < EntryFormat.ENTRIES; i++) {
                compare(
                        below(before, level, i),
                        accessBefore,
                        below(after, level, i),
                        accessAfter,
                        level - 1,
                        iova + i * span);
            }
        }

        private void requireSame(
                long before, int accessBefore, long after, int accessAfter, int level, long iova)
                throws Lost {
            if (!format.isPresent(after)) {
                throw new Lost("S1", "is not mapped any more", iova);
            }
            if (EntryFormat.page(before, level) != EntryFormat.page(after, level)) {
                throw new Lost("S1", "gets another output address", iova);
            }
            if ((accessBefore & ~accessAfter) != 0) {
                throw new Lost("S1", "loses a permission", iova);
            }
            if (format.attributes(before, level) != format.attributes(after, level)) {
                throw new Lost("S2", "gets another memory type or snoop bit", iova);
            }
            boolean cleaned = format.isDirty(before) && !format.isDirty(after);
            if (cleaned && !licence.cleans(iova, iova + EntryFormat.span(level))) {
                throw new Lost("S4", "loses its dirty bit", iova);
            }
        }

        /** What decides a part of an entry: the entry of its table, or a part of the leaf. */
        private long below(long entry, int level, int index) {
            if (format.isTable(entry, level)) {
                return load(EntryFormat.table(entry) + (long) index * Long.BYTES);
            }
            return format.isPresent(entry) ? format.part(entry, level, index) : 0;
        }
    }

    private long load(long address) {
        return memory.containsPage(address & -PhysicalMemory.PAGE_SIZE)
                ? memory.loadAcquire(address)
                : 0;
    }
}
