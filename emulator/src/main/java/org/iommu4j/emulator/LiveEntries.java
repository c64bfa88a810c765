package org.iommu4j.emulator;

import org.iommu4j.emulator.BelievedTables.Cleaning;
import org.iommu4j.emulator.DirtyReports.Report;
import org.iommu4j.emulator.TablePages.Life;
import org.iommu4j.emulator.TablePages.Page;
import org.iommu4j.machine.PhysicalMemory;
import org.jspecify.annotations.Nullable;

/**
 * Watches every store to an entry of a linked table: hardware may read it at any moment, so what is
 * mapped must stay what it is, whatever size its pages get. Any thread may call any method, before
 * it stores.
 */
final class LiveEntries {

    private final PhysicalMemory memory;
    private final TableReader reader;
    private final Evidence evidence;

    LiveEntries(PhysicalMemory memory, Evidence evidence) {
        this.memory = memory;
        this.reader = new TableReader(memory);
        this.evidence = evidence;
    }

    /** A word is about to be stored. */
    void beforeStore(long address, long value) {
        Page page = evidence.pages.find(address);
        if (page != null && page.isLinked()) {
            changes(page, address, memory.loadAcquire(address), value, false);
        }
    }

    /** A word is about to be exchanged. */
    void beforeExchange(long address, long expected, long value) {
        Page page = evidence.pages.find(address);
        if (page == null || !page.isLinked()) {
            return;
        }
        long found = memory.loadAcquire(address);
        if (found == expected) {
            changes(page, address, found, value, true);
        } else if (locate(page) != null) {
            long iova = TablePages.iovaOf(page, address);
            int level = TablePages.levelOf(page);
            evidence.strands.get().exchangeFailed(iova, iova + EntryFormat.span(level));
        }
    }

    /** A table was linked: what it points to has its place now. */
    void linked(Page page) {
        for (int i = 0; i < EntryFormat.ENTRIES; i++) {
            long slot = page.address + (long) i * Long.BYTES;
            long entry = memory.loadAcquire(slot);
            if (EntryFormat.mayBePresent(entry)) {
                place(entry, slot);
            }
        }
    }

    private void place(long entry, long slot) {
        Page child = evidence.pages.find(EntryFormat.table(entry));
        if (child != null && child.isLinked()) {
            child.pointedToBy(slot);
        }
    }

    private void changes(Page page, long slot, long before, long after, boolean exchanged) {
        if (before == after) {
            return;
        }
        if (EntryFormat.mayBePresent(after)) {
            place(after, slot);
        }
        BelievedTables tree = locate(page);
        if (tree == null) {
            return;
        }
        int level = TablePages.levelOf(page);
        long iova = TablePages.iovaOf(page, slot);
        EntryFormat format = tree.format();
        if (format.isTable(after, level)) {
            publish(tree, EntryFormat.table(after), level - 1, slot);
        }
        if (format.isPresent(before) || level > 0) {
            evidence.history.entry(evidence.moments.now(), tree, iova, level, slot, before, after);
        }
        if (exchanged && clearsDirty(format, before, after, level)) {
            long end = iova + EntryFormat.span(level);
            Strand strand = evidence.strands.get();
            if (strand.cleans(tree.root(), iova, end)) {
                cleaned(tree, iova, end, slot, evidence.moments.tick(), strand.report());
            }
        }
        if (format.isPresent(before)) {
            requireKept(tree, slot, before, after, level, iova, exchanged);
        }
    }

    private static boolean clearsDirty(EntryFormat format, long before, long after, int level) {
        return format.isLeaf(before, level)
                && format.isLeaf(after, level)
                && format.isDirty(before)
                && !format.isDirty(after);
    }

    /** Dirty bits are about to be cleared for a report. */
    void cleaned(BelievedTables tree, long start, long end, long slot, long moment, long number) {
        Report report = evidence.reports.find(number);
        if (report != null) {
            report.cleaned(start, end);
            tree.cleaned(new Cleaning(start, end, slot, moment, report));
            evidence.recent.add(start, end, moment);
        }
    }

    private @Nullable BelievedTables locate(Page page) {
        Life life = page.life();
        BelievedTables tree = life == null ? null : evidence.trees.find(life.root());
        return tree != null && evidence.pages.locate(page, tree.levels()) ? tree : null;
    }

    /** Tables that nobody has spoken of are linked by the entry that points to them. */
    private void publish(BelievedTables tree, long table, int level, long slot) {
        if (!evidence.pages.contains(table) || evidence.pages.of(table).isLinked()) {
            return;
        }
        Page page = evidence.pages.of(table);
        page.link(tree.root(), evidence.moments.tick());
        page.pointedToBy(slot);
        for (int i = 0; level > 0 && i < EntryFormat.ENTRIES; i++) {
            long below = table + (long) i * Long.BYTES;
            long entry = memory.loadAcquire(below);
            if (tree.format().isTable(entry, level)) {
                publish(tree, EntryFormat.table(entry), level - 1, below);
            }
        }
    }

    private void requireKept(
            BelievedTables tree,
            long slot,
            long before,
            long after,
            int level,
            long iova,
            boolean exchanged) {
        if (!tree.isMapped(iova, iova + EntryFormat.span(level))) {
            return;
        }
        Strand strand = evidence.strands.get();
        try {
            reader.requireKept(
                    tree.format(),
                    before,
                    after,
                    level,
                    iova,
                    new TableReader.Licence() {
                        @Override
                        public boolean permits(long start, long end) {
                            return strand.unmaps(tree.root(), start, end)
                                    || !tree.isMapped(start, end);
                        }

                        @Override
                        public boolean cleans(long start, long end) {
                            // A store would lose a bit that is set in front of it.
                            return exchanged && strand.cleans(tree.root(), start, end);
                        }
                    });
        } catch (TableReader.Lost lost) {
            String summary =
                    "0x"
                            + Long.toHexString(lost.iova())
                            + ", which is mapped, "
                            + lost.getMessage()
                            + " by a change of a live entry at 0x"
                            + Long.toHexString(slot)
                            + " from "
                            + tree.format().text(before, level)
                            + " to "
                            + tree.format().text(after, level);
            evidence.findings.add(
                    lost.rule(), summary, () -> evidence.history.of(tree.root(), lost.iova(), 0));
        }
    }

    /**
     * Looks for what is mapped in a range that software says it has unmapped.
     *
     * @param tree the tables
     * @param start the first address
     * @param end the end, exclusive
     * @return an address that is mapped, or -1
     */
    long stillMapped(BelievedTables tree, long start, long end) {
        Page root = evidence.pages.find(tree.root());
        if (tree.levels() == 0 || root == null || !root.isLinked()) {
            return -1;
        }
        return reader.firstMapped(tree.format(), tree.root(), tree.levels() - 1, 0, start, end);
    }

    /** {@return how tables permit access to an address; 0 if that is not known, or not mapped} */
    int access(BelievedTables tree, long iova) {
        return tree.levels() == 0
                ? 0
                : reader.access(tree.format(), tree.root(), tree.levels(), iova);
    }
}
