package org.iommu4j.cli;

/**
 * Up to 64 consecutive runs of a {@link KernelView}, sorted. A run is {@code [start, end)} and
 * where it leads.
 */
final class RunBlock {
    static final int CAPACITY = 64;

    final long[] start = new long[CAPACITY];
    final long[] end = new long[CAPACITY];
    final long[] output = new long[CAPACITY];
    int count;

    /** Index of the last run that starts at or before the address, or -1. */
    int floor(long address) {
        int low = 0;
        int high = count;
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (start[middle] <= address) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low - 1;
    }

    void insert(int index, long runStart, long runEnd, long runOutput) {
        int moved = count - index;
        System.arraycopy(start, index, start, index + 1, moved);
        System.arraycopy(end, index, end, index + 1, moved);
        System.arraycopy(output, index, output, index + 1, moved);
        start[index] = runStart;
        end[index] = runEnd;
        output[index] = runOutput;
        count++;
    }

    /** Removes the runs {@code [from, to)}. */
    void delete(int from, int to) {
        int moved = count - to;
        System.arraycopy(start, to, start, from, moved);
        System.arraycopy(end, to, end, from, moved);
        System.arraycopy(output, to, output, from, moved);
        count -= to - from;
    }

    /** Moves the upper half of a full block into a new one. */
    RunBlock splitUpperHalf() {
        RunBlock upper = new RunBlock();
        int kept = count / 2;
        upper.count = count - kept;
        System.arraycopy(start, kept, upper.start, 0, upper.count);
        System.arraycopy(end, kept, upper.end, 0, upper.count);
        System.arraycopy(output, kept, upper.output, 0, upper.count);
        count = kept;
        return upper;
    }
}
