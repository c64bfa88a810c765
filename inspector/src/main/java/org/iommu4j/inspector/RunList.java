package org.iommu4j.inspector;

import java.util.AbstractList;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The runs of an address space, in order. Leaves go in one by one; a run costs 33 bytes, and all
 * lists of an inspection together hold at most {@value #MAX_RUNS}.
 */
final class RunList extends AbstractList<Run> {
    static final int MAX_RUNS = 1 << 20;

    private final AtomicInteger room;
    private long[] iovas = new long[16];
    private long[] outputs = new long[16];
    private long[] sizes = new long[16];
    private long[] leaves = new long[16];
    private byte[] rights = new byte[16];
    private int kept;
    private long omitted;
    private long nextIova = -1;
    private long nextOutput = -1;
    private int lastRights = -1;

    /**
     * Makes an empty list.
     *
     * @param room how many more runs all lists may hold
     */
    RunList(AtomicInteger room) {
        this.room = room;
    }

    void leaf(long iova, long output, long size, int allowed) {
        boolean continues =
                iova == nextIova && output == nextOutput && allowed == lastRights && kept > 0;
        nextIova = iova + size;
        nextOutput = output + size;
        lastRights = allowed;
        if (continues) {
            if (omitted == 0) {
                sizes[kept - 1] += size;
                leaves[kept - 1]++;
            }
        } else if (omitted > 0 || room.getAndDecrement() <= 0) {
            omitted++;
        } else {
            append(iova, output, size, allowed);
        }
    }

    /** How many runs there were no room for. */
    long omitted() {
        return omitted;
    }

    @Override
    public Run get(int index) {
        if (index >= kept) {
            throw new IndexOutOfBoundsException(index + " of " + kept + " runs");
        }
        return new Run(iovas[index], outputs[index], sizes[index], rights[index], leaves[index]);
    }

    @Override
    public int size() {
        return kept;
    }

    private void append(long iova, long output, long size, int allowed) {
        if (kept == iovas.length) {
            int more = kept * 2;
            iovas = Arrays.copyOf(iovas, more);
            outputs = Arrays.copyOf(outputs, more);
            sizes = Arrays.copyOf(sizes, more);
            leaves = Arrays.copyOf(leaves, more);
            rights = Arrays.copyOf(rights, more);
        }
        iovas[kept] = iova;
        outputs[kept] = output;
        sizes[kept] = size;
        leaves[kept] = 1;
        rights[kept] = (byte) allowed;
        kept++;
    }
}
