package org.iommu4j.inspector;

import java.util.List;
import org.iommu4j.inspector.Explanation.Outcome;
import org.iommu4j.inspector.Explanation.Step;
import org.iommu4j.walker.PageTableFormat;
import org.jspecify.annotations.Nullable;

/** Reads the entries from the root of page tables to a leaf, and keeps why a request would stop. */
final class PathReader {
    private static final long READ = 1;
    private static final long WRITE = 2;
    private static final long USER = 4;

    private final PhysicalView view;
    private final Mode mode;
    private final PageTableFormat format;
    private final boolean first;
    private final int hostAddressWidth;
    private final List<Step> steps;
    private @Nullable FaultReason readFault;
    private @Nullable FaultReason writeFault;
    private long output;

    PathReader(
            PhysicalView view,
            Mode mode,
            PageTableFormat format,
            boolean first,
            int hostAddressWidth,
            List<Step> steps) {
        this.view = view;
        this.mode = mode;
        this.format = format;
        this.first = first;
        this.hostAddressWidth = hostAddressWidth;
        this.steps = steps;
    }

    Outcome outcomeOfRead() {
        return readFault == null ? Outcome.goesTo(output) : Outcome.faults(readFault);
    }

    Outcome outcomeOfWrite() {
        return writeFault == null ? Outcome.goesTo(output) : Outcome.faults(writeFault);
    }

    /** Reads entries until one decides. */
    void read(long root, long iova) {
        int width = format.shift(format.levels());
        long beyond = first ? iova << Long.SIZE - width >> Long.SIZE - width : iova;
        if (first ? beyond != iova : iova >>> width != 0) {
            stop(first ? FaultReason.FIRST_NOT_CANONICAL : beyondWidth());
            return;
        }
        long table = root;
        for (int level = format.levels() - 1; ; level--) {
            long index = iova >>> format.shift(level) & format.entries() - 1;
            long at = table + index * Long.BYTES;
            if (!view.holds(at, Long.BYTES)) {
                stop(level == format.levels() - 1 ? rootAccess() : tableAccess());
                return;
            }
            long entry = view.load(at);
            boolean leaf = format.isLeaf(entry, level) && format.hasLeaves(level);
            boolean present = format.isPresent(entry);
            step(level, (int) index, at, entry, leaf);
            if (!present) {
                absent();
                return;
            }
            if ((entry & EntryBits.reserved(first, level, leaf, hostAddressWidth)) != 0) {
                stop(first ? FaultReason.FIRST_RESERVED : FaultReason.secondReserved(mode));
                return;
            }
            restrict(entry);
            if (leaf) {
                end(entry, level, iova);
                return;
            }
            table = format.tableAddress(entry);
        }
    }

    private void end(long entry, int level, long iova) {
        output = format.outputAddress(entry, level) + (iova & (1L << format.shift(level)) - 1);
        if (output >= SpaceCounts.INTERRUPTS && output < SpaceCounts.INTERRUPTS_END) {
            stop(FaultReason.interruptRange(mode));
        }
    }

    private void restrict(long entry) {
        if (first) {
            if ((entry & USER) == 0) {
                stop(FaultReason.FIRST_USER);
            }
            writeFault = firstOf(writeFault, (entry & WRITE) == 0, FaultReason.SM_NO_WRITE);
        } else {
            readFault = firstOf(readFault, (entry & READ) == 0, noRead());
            writeFault = firstOf(writeFault, (entry & WRITE) == 0, noWrite());
        }
    }

    private void absent() {
        if (first) {
            stop(FaultReason.FIRST_NOT_PRESENT);
        } else {
            readFault = firstOf(readFault, true, noRead());
            writeFault = firstOf(writeFault, true, noWrite());
        }
    }

    private void stop(FaultReason reason) {
        readFault = firstOf(readFault, true, reason);
        writeFault = firstOf(writeFault, true, reason);
    }

    private static @Nullable FaultReason firstOf(
            @Nullable FaultReason before, boolean now, FaultReason reason) {
        return before == null && now ? reason : before;
    }

    private FaultReason noRead() {
        return mode == Mode.LEGACY ? FaultReason.NO_READ : FaultReason.SECOND_PERMISSION;
    }

    private FaultReason noWrite() {
        return mode == Mode.LEGACY ? FaultReason.NO_WRITE : FaultReason.SECOND_PERMISSION;
    }

    private FaultReason beyondWidth() {
        return mode == Mode.LEGACY ? FaultReason.BEYOND_WIDTH : FaultReason.SM_BEYOND_WIDTH;
    }

    private FaultReason tableAccess() {
        return first
                ? FaultReason.FIRST_ACCESS
                : mode == Mode.LEGACY ? FaultReason.TABLE_ACCESS : FaultReason.SECOND_ACCESS;
    }

    private FaultReason rootAccess() {
        return first
                ? FaultReason.FIRST_ROOT
                : mode == Mode.LEGACY ? FaultReason.TABLE_ACCESS : FaultReason.SECOND_ROOT;
    }

    private void step(int level, int index, long at, long entry, boolean leaf) {
        String meaning;
        if (!format.isPresent(entry)) {
            meaning = "not present" + (entry == 0 ? "" : ", though not zero");
        } else if (leaf) {
            meaning =
                    "leaf of "
                            + Hex.bytes(1L << format.shift(level))
                            + " at "
                            + Hex.of(format.outputAddress(entry, level))
                            + ": "
                            + EntryBits.words(entry, first, level, true);
        } else {
            meaning =
                    "table "
                            + Hex.of(format.tableAddress(entry))
                            + ": "
                            + EntryBits.words(entry, first, level, false);
        }
        steps.add(new Step("entry " + index + " of level " + level, at, List.of(entry), meaning));
    }
}
