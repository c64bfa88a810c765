package org.iommu4j.flush.cache;

import org.iommu4j.machine.PhysicalMemory;

/**
 * The ranges that one thread stored to since its last fence. A few are remembered; the nearest
 * stores of an operation are the last ones, so a new range is joined with one of these, and what
 * there is no room for is written back early.
 */
final class TouchedBlocks {

    private static final int ROOM = 8;

    private final PhysicalMemory memory;
    private final long[] starts = new long[ROOM];
    private final long[] ends = new long[ROOM];
    private int count;

    TouchedBlocks(PhysicalMemory memory) {
        this.memory = memory;
    }

    void add(long start, long end) {
        long low = start;
        long high = end;
        for (int i = count - 1; i >= 0; i--) {
            if (low <= ends[i] && high >= starts[i]) {
                low = Math.min(low, starts[i]);
                high = Math.max(high, ends[i]);
                remove(i);
            }
        }
        if (count == ROOM) {
            memory.writeBack(starts[0], ends[0] - starts[0]);
            remove(0);
        }
        starts[count] = low;
        ends[count++] = high;
    }

    /** Writes everything back, in the order in which it was stored first. */
    void writeBack() {
        for (int i = 0; i < count; i++) {
            memory.writeBack(starts[i], ends[i] - starts[i]);
        }
        count = 0;
    }

    private void remove(int index) {
        count--;
        System.arraycopy(starts, index + 1, starts, index, count - index);
        System.arraycopy(ends, index + 1, ends, index, count - index);
    }
}
