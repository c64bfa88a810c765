package org.iommu4j.cli;

import java.util.Arrays;

/**
 * What the kernel believes is mapped in one domain, to the page: the reference that a replayed
 * domain is held against. A sorted list of runs, each a range of addresses that leads to a range of
 * the same length; neighbours that continue each other are one run. So memory follows what is live,
 * never the length of the trace, and it knows nothing of page tables or of the sizes of pages.
 *
 * <p>The runs stand in blocks of 64 behind a directory of their first addresses: two binary
 * searches find a run, and a change moves at most a block. All addresses and sizes are in bytes and
 * whole pages. For one thread.
 */
final class KernelView {
    /** No output address: nothing is mapped there. */
    static final long NOT_MAPPED = -1;

    /** Called with each run of a walk, lowest first; false ends the walk. */
    @FunctionalInterface
    interface RunVisitor {
        boolean run(long iova, long outputAddress, long size);
    }

    private RunBlock[] blocks = {new RunBlock()};
    private long[] firsts = {0};
    private int blockCount = 1;
    private long bytes;

    /**
     * Place of the run last located: the last one that starts at or before the address, index -1 if
     * none does.
     */
    private int block;

    private int index;

    long bytes() {
        return bytes;
    }

    boolean isFree(long iova, long size) {
        locate(iova);
        if (index >= 0 && blocks[block].end[index] > iova) {
            return false;
        }
        return !toNextRun() || blocks[block].start[index] >= iova + size;
    }

    /** How many bytes of the range are mapped. */
    long mappedBytes(long iova, long size) {
        long end = iova + size;
        long mapped = 0;
        boolean more = toFirstRunReaching(iova);
        while (more && blocks[block].start[index] < end) {
            RunBlock runs = blocks[block];
            mapped += Math.min(runs.end[index], end) - Math.max(runs.start[index], iova);
            more = toNextRun();
        }
        return mapped;
    }

    /** Whether the range is mapped from end to end and nothing continues it on either side. */
    boolean isRun(long iova, long size) {
        locate(iova);
        return index >= 0
                && blocks[block].start[index] == iova
                && blocks[block].end[index] == iova + size;
    }

    /** Where an address leads, or {@link #NOT_MAPPED}. */
    long outputAddress(long iova) {
        locate(iova);
        if (index < 0 || blocks[block].end[index] <= iova) {
            return NOT_MAPPED;
        }
        return blocks[block].output[index] + (iova - blocks[block].start[index]);
    }

    /** Maps a range that is free. */
    void add(long iova, long outputAddress, long size) {
        bytes += size;
        locate(iova);
        RunBlock runs = blocks[block];
        long end = iova + size;
        boolean continues =
                index >= 0
                        && runs.end[index] == iova
                        && runs.output[index] + (iova - runs.start[index]) == outputAddress;
        int following = index + 1;
        boolean continued =
                following < runs.count
                        && runs.start[following] == end
                        && runs.output[following] == outputAddress + size;
        if (continues && continued) {
            runs.end[index] = runs.end[following];
            runs.delete(following, following + 1);
        } else if (continues) {
            runs.end[index] = end;
        } else if (continued) {
            runs.start[following] = iova;
            runs.output[following] = outputAddress;
            noteFirst(block);
        } else {
            insert(following, iova, end, outputAddress);
        }
    }

    /** Unmaps what is mapped of the range; returns how many bytes that was. */
    long remove(long iova, long size) {
        long end = iova + size;
        long before = bytes;
        boolean more = toFirstRunReaching(iova);
        while (more && blocks[block].start[index] < end) {
            more = removeHere(iova, end);
        }
        return before - bytes;
    }

    /** Walks the runs that begin or reach into the range, each clipped to it. */
    void runs(long iova, long size, RunVisitor visitor) {
        long end = iova + size;
        boolean more = toFirstRunReaching(iova);
        while (more && blocks[block].start[index] < end) {
            RunBlock runs = blocks[block];
            long from = Math.max(runs.start[index], iova);
            long to = Math.min(runs.end[index], end);
            more =
                    visitor.run(from, runs.output[index] + (from - runs.start[index]), to - from)
                            && toNextRun();
        }
    }

    /**
     * Takes away from the run here what the range covers; moves to the next run, false if there is
     * none.
     */
    private boolean removeHere(long iova, long end) {
        RunBlock runs = blocks[block];
        long runStart = runs.start[index];
        long runEnd = runs.end[index];
        if (runStart < iova) {
            runs.end[index] = iova;
            bytes -= Math.min(runEnd, end) - iova;
            if (runEnd > end) {
                insert(index + 1, end, runEnd, runs.output[index] + (end - runStart));
                return false;
            }
            return toNextRun();
        }
        if (runEnd > end) {
            runs.start[index] = end;
            runs.output[index] += end - runStart;
            bytes -= end - runStart;
            noteFirst(block);
            return false;
        }
        int to = index;
        while (to < runs.count && runs.end[to] <= end) {
            bytes -= runs.end[to] - runs.start[to];
            to++;
        }
        runs.delete(index, to);
        return settle();
    }

    /**
     * After runs were deleted here: drops an emptied block and stands on the run that followed, if
     * there is one.
     */
    private boolean settle() {
        if (blocks[block].count == 0 && blockCount > 1) {
            int moved = blockCount - block - 1;
            System.arraycopy(blocks, block + 1, blocks, block, moved);
            System.arraycopy(firsts, block + 1, firsts, block, moved);
            blockCount--;
            index = 0;
            if (block < blockCount) {
                return true;
            }
            block--;
            return false;
        }
        if (index == 0 && blocks[block].count > 0) {
            noteFirst(block);
        }
        index--;
        return toNextRun();
    }

    private void insert(int at, long start, long end, long output) {
        RunBlock runs = blocks[block];
        if (runs.count < RunBlock.CAPACITY) {
            runs.insert(at, start, end, output);
            noteFirst(block);
            return;
        }
        RunBlock upper = runs.splitUpperHalf();
        addBlock(block + 1, upper);
        if (at <= runs.count) {
            runs.insert(at, start, end, output);
            noteFirst(block);
        } else {
            upper.insert(at - runs.count, start, end, output);
        }
    }

    private void addBlock(int at, RunBlock added) {
        if (blockCount == blocks.length) {
            blocks = Arrays.copyOf(blocks, blockCount * 2);
            firsts = Arrays.copyOf(firsts, blockCount * 2);
        }
        System.arraycopy(blocks, at, blocks, at + 1, blockCount - at);
        System.arraycopy(firsts, at, firsts, at + 1, blockCount - at);
        blocks[at] = added;
        firsts[at] = added.start[0];
        blockCount++;
    }

    private void noteFirst(int changed) {
        firsts[changed] = blocks[changed].start[0];
    }

    /**
     * Stands on the last run that starts at or before the address; index -1 in the first block if
     * none does.
     */
    private void locate(long iova) {
        if (!step(iova)) {
            search(iova);
        }
    }

    /** Tries the run last located and its neighbours: most questions are about one place. */
    private boolean step(long iova) {
        RunBlock runs = blocks[block];
        int at = index;
        if (at < 0 || at >= runs.count) {
            return false;
        }
        if (runs.start[at] > iova) {
            at--;
        } else if (at + 1 < runs.count && runs.start[at + 1] <= iova) {
            at++;
        }
        if (at < 0 || at + 1 >= runs.count || runs.start[at] > iova || runs.start[at + 1] <= iova) {
            return false;
        }
        index = at;
        return true;
    }

    private void search(long iova) {
        int low = 0;
        int high = blockCount;
        while (high - low > 1) {
            int middle = (low + high) >>> 1;
            if (firsts[middle] <= iova) {
                low = middle;
            } else {
                high = middle;
            }
        }
        block = low;
        index = blocks[low].floor(iova);
    }

    /** Stands on the first run that ends after the address; false if there is none. */
    private boolean toFirstRunReaching(long iova) {
        locate(iova);
        return index >= 0 && blocks[block].end[index] > iova || toNextRun();
    }

    private boolean toNextRun() {
        index++;
        if (index < blocks[block].count) {
            return true;
        }
        if (block + 1 >= blockCount) {
            return false;
        }
        block++;
        index = 0;
        return true;
    }
}
