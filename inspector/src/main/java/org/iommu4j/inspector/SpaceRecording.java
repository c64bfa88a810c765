package org.iommu4j.inspector;

import java.util.concurrent.atomic.AtomicInteger;
import org.iommu4j.walker.PageTableFormat;

/**
 * Packs the tables and leaves of one address space for a page, as they come by: neighbouring leaves
 * that are alike become one run, and every number is the difference to the one before.
 */
final class SpaceRecording implements TableVisitor {
    private static final int PAGE_SHIFT = 12;
    private static final long PAGE_NUMBERS = (1L << 52) - 1;

    /** What all recordings of a page may hold; a browser would not take more. */
    static final int MAX_RECORDS = 1 << 22;

    private final EntryKinds kinds;
    private final PageTableFormat format;
    private final boolean first;
    private final AtomicInteger room;
    private final PackedNumbers tables = new PackedNumbers();
    private final PackedNumbers runs = new PackedNumbers();
    private long tableCount;
    private long runCount;
    private long leafCount;
    private long lastTablePage;
    private long lastTableAddress;
    private long endPage;
    private long endOutput;
    private long pageOfRun;
    private long outputOfRun;
    private int levelOfRun;
    private int kindOfRun;
    private long leavesOfRun;

    /**
     * Begins a recording.
     *
     * @param kinds the kinds of entries of the page
     * @param format how entries are read
     * @param first whether they are first-stage ones
     * @param room how many more tables and runs the page may hold
     */
    SpaceRecording(EntryKinds kinds, PageTableFormat format, boolean first, AtomicInteger room) {
        this.kinds = kinds;
        this.format = format;
        this.first = first;
        this.room = room;
    }

    /** How many leaves came by. */
    long leafCount() {
        return leafCount;
    }

    @Override
    public void table(long address, int level, long iova, long entry) {
        if (room.decrementAndGet() < 0) {
            return;
        }
        int kind =
                entry == 0
                        ? kinds.ofRights(3)
                        : kinds.ofEntry(format, first, level + 1, false, entry, rights(entry));
        long page = iova >>> PAGE_SHIFT;
        long addressPage = address < 0 ? -1 : address >>> PAGE_SHIFT;
        tables.put(level);
        tables.put(page - lastTablePage);
        tables.putSigned(addressPage - lastTableAddress);
        tables.put(kind);
        lastTablePage = page;
        lastTableAddress = addressPage;
        tableCount++;
    }

    @Override
    public void leaf(long iova, long outputAddress, int level, long entry, int rights) {
        leaf(iova, outputAddress, level, kinds.ofEntry(format, first, level, true, entry, rights));
    }

    /** Records a leaf whose kind is known. */
    void leaf(long iova, long outputAddress, int level, int kind) {
        long page = iova >>> PAGE_SHIFT;
        long output = outputAddress >>> PAGE_SHIFT & PAGE_NUMBERS;
        long pages = 1L << format.shift(level) - PAGE_SHIFT;
        leafCount++;
        if (leavesOfRun > 0
                && level == levelOfRun
                && kind == kindOfRun
                && page == pageOfRun + leavesOfRun * pages
                && output == outputOfRun + leavesOfRun * pages) {
            leavesOfRun++;
            return;
        }
        endRun();
        pageOfRun = page;
        outputOfRun = output;
        levelOfRun = level;
        kindOfRun = kind;
        leavesOfRun = 1;
    }

    /** Appends everything to the data of a page. */
    void appendTo(PackedNumbers data) {
        endRun();
        data.put(tableCount);
        data.append(tables);
        data.put(runCount);
        data.append(runs);
    }

    private void endRun() {
        if (leavesOfRun == 0 || room.decrementAndGet() < 0) {
            return;
        }
        runs.put(levelOfRun);
        runs.put(pageOfRun - endPage);
        runs.putSigned(outputOfRun - endOutput);
        runs.put(kindOfRun);
        runs.put(leavesOfRun);
        long pages = leavesOfRun << format.shift(levelOfRun) - PAGE_SHIFT;
        endPage = pageOfRun + pages;
        endOutput = outputOfRun + pages;
        leavesOfRun = 0;
        runCount++;
    }

    private int rights(long entry) {
        return first ? 1 | (int) entry & 2 : (int) entry & 3;
    }
}
