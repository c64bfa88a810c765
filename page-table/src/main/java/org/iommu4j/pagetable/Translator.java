package org.iommu4j.pagetable;

import java.lang.invoke.VarHandle;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.machine.PhysicalMemory;

/*
 * A page whose guard word names a range, and whose guard nobody holds, is linked at that moment: a table comes alive behind
 * the store that links it, and whoever unlinks one has locked or seized it, and all below it, before. So the table that
 * decided an address lately decides it still if its guard word says so. Whether a page was reused meanwhile, the epoch of
 * the address tells.
 */

/**
 * Translates addresses without a guard and without an object: in the table to which a hint leads,
 * or by a walk from the root. Any thread may use it.
 */
final class Translator {

    private static final int WORD_SHIFT = 3;
    private static final int SHIFT_0 = PhysicalMemory.PAGE_SHIFT;

    private final Tables tables;
    private final int addressWidth;
    private final PhysicalMemory memory;
    private final Guards guards;
    private final RecentTables recent;
    private final Epochs epochs;
    private final long slotMask;
    private final long presentMask;
    private final long addressMask;
    private final int addressShift;

    Translator(Tables tables, RangeCheck check) {
        this.addressWidth = check.addressWidth();
        this.tables = tables;
        this.memory = tables.memory;
        this.guards = tables.guards;
        this.recent = tables.recent;
        this.epochs = tables.epochs;
        this.slotMask = tables.entries() - 1L << WORD_SHIFT;
        this.presentMask = tables.format.presentMask();
        this.addressMask = tables.format.addressMask();
        this.addressShift = tables.format.addressShift();
    }

    /**
     * The output address, or {@link IommuDomain#NOT_MAPPED}.
     *
     * @throws IllegalStateException if the tables are closed, or lead out of the memory
     */
    long translate(long iova) {
        if (iova >>> addressWidth != 0) {
            return IommuDomain.NOT_MAPPED;
        }
        long epoch = epochs.at(iova);
        long identity = guards.identity(iova);
        long table = recent.find(identity);
        long word = guards.read(table);
        if (Guards.isFreeTable(word, identity)) {
            long entry = memory.loadPlain(table + (iova >>> SHIFT_0 - WORD_SHIFT & slotMask));
            VarHandle.loadLoadFence();
            if (epochs.at(iova) == epoch) { // closed tables are none
                return output(entry, iova, SHIFT_0);
            }
        }
        return translateAbove(iova, epoch, table, word);
    }

    private long translateAbove(long iova, long epoch, long table, long word) {
        for (int level = 1; level <= tables.rootLevel; level++) {
            if (Guards.isFreeTable(word, guards.identity(iova, level))) {
                long entry = memory.loadPlain(tables.slot(table, iova, level));
                if (!tables.isTable(entry, level) && unchanged(iova, epoch)) {
                    return output(entry, iova, tables.shift(level));
                }
            }
        }
        return walk(iova);
    }

    private long output(long entry, long iova, int shift) {
        long offset = (1L << shift) - 1;
        return (entry & presentMask) == 0
                ? IommuDomain.NOT_MAPPED
                : (entry & addressMask) << addressShift & ~offset | iova & offset;
    }

    private long walk(long iova) {
        while (true) {
            long epoch = epochs.at(iova);
            long place = tables.descend(iova, 0);
            long table = Tables.tableOf(place);
            int level = Tables.levelOf(place);
            long entry = memory.loadPlain(tables.slot(table, iova, level));
            if (unchanged(iova, epoch)) {
                if (!tables.isTable(entry, level)) {
                    recent.noteFound(guards.identity(iova), table);
                    return output(entry, iova, tables.shift(level));
                }
                if (!memory.containsPage(tables.target(entry))) {
                    throw LeafReader.spoilt(iova);
                }
            }
            memory.spin();
        }
    }

    private boolean unchanged(long iova, long epoch) {
        if (Epochs.isClosed(epoch)) {
            throw Tables.closedException();
        }
        VarHandle.loadLoadFence();
        return epochs.at(iova) == epoch;
    }
}
