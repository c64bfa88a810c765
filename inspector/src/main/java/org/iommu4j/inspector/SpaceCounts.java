package org.iommu4j.inspector;

import java.util.concurrent.atomic.AtomicInteger;
import org.iommu4j.inspector.Findings.Kind;
import org.iommu4j.walker.PageTableFormat;

/** Counts what a walk finds in an address space, and watches for the interrupt range. */
final class SpaceCounts implements TableVisitor {
    static final long INTERRUPTS = 0xfee0_0000L;
    static final long INTERRUPTS_END = 0xfef0_0000L;

    private static final int SHOW_EVERY = 1 << 12;

    final long[] leaves;
    final RunList runs;
    long tablePages;
    long accessed;
    long dirty;

    private final SpaceKey key;
    private final PageTableFormat format;
    private final Findings findings;
    private final Progress progress;

    SpaceCounts(SpaceKey key, AtomicInteger roomForRuns, Findings findings, Progress progress) {
        this.key = key;
        this.format = key.format();
        this.leaves = new long[format.levels()];
        this.runs = new RunList(roomForRuns);
        this.findings = findings;
        this.progress = progress;
    }

    @Override
    public void table(long address, int level, long iova, long entry) {
        tablePages++;
        if (tablePages % SHOW_EVERY == 0) {
            progress.at("tables of " + key.users(), tablePages << 12, 0);
        }
    }

    @Override
    public void leaf(long iova, long outputAddress, int level, long entry, int rights) {
        long size = 1L << format.shift(level);
        leaves[level]++;
        accessed += (entry & format.accessedMask()) != 0 ? 1 : 0;
        dirty += (entry & format.dirtyMask()) != 0 ? 1 : 0;
        runs.leaf(iova, outputAddress, size, rights);
        if (coversInterrupts(iova, size)) {
            interruptIova(iova, size, level);
        }
        if (coversInterrupts(outputAddress, size)) {
            interruptOutput(iova, outputAddress, size, level);
        }
    }

    private void interruptIova(long iova, long size, int level) {
        Kind kind = level == 0 ? Kind.INTERRUPT_IOVA : Kind.INTERRUPT_COVERED;
        if (findings.wants(kind)) {
            findings.put(
                    kind,
                    level == 0
                            ? "a page of the interrupt range is mapped; requests to it are interrupts"
                                    + " and are never translated"
                            : "a leaf of "
                                    + Hex.bytes(size)
                                    + " covers the interrupt range, which is never translated",
                    where(iova));
        }
    }

    private void interruptOutput(long iova, long output, long size, int level) {
        Kind kind = level == 0 ? Kind.INTERRUPT_OUTPUT : Kind.INTERRUPT_COVERED;
        if (findings.wants(kind)) {
            findings.put(
                    kind,
                    (level == 0
                                    ? "a page translates into the interrupt range: "
                                    : "a leaf of "
                                            + Hex.bytes(size)
                                            + " covers the interrupt range: ")
                            + Hex.of(output)
                            + "; such an access faults: "
                            + FaultReason.interruptRange(key.mode()),
                    where(iova));
        }
    }

    private String where(long iova) {
        return key.users() + ", iova " + Hex.of(iova);
    }

    private static boolean coversInterrupts(long address, long size) {
        return address >= 0 && address < INTERRUPTS_END && address + size > INTERRUPTS;
    }
}
