package org.iommu4j.pagetable;

import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;

/*
 * A leaf that is unmapped takes its dirty bit with it, and a sink may fail after the bits were cleared. What was written then
 * stands here until the next report: a bit a page, in blocks of 512 pages, of which there are as many as have any. That is a
 * thirtieth of what the tables of these pages take, however the pages lie, so it needs no bound of its own.
 */

/** Pages that were written, of which no entry tells any more. Any thread may use it. */
final class UnreportedWrites {

    private static final int PAGE_SHIFT = 12;
    private static final int BLOCK_SHIFT = 9;

    /** How many bytes the pages of a block are. */
    static final long BLOCK_BYTES = 1L << PAGE_SHIFT + BLOCK_SHIFT;

    private static final int WORDS = (1 << BLOCK_SHIFT) / Long.SIZE;

    /** 512 pages side by side. */
    static final class Block {

        private final long[] pages = new long[WORDS];
        private int leafShift;

        /** A bit for each page that was written. */
        long[] pages() {
            return pages;
        }

        /** How many address bits are inside the largest leaf that one of them was mapped by. */
        int leafShift() {
            return leafShift;
        }

        private void mark(long page, long last, int shift) {
            int from = (int) page & (1 << BLOCK_SHIFT) - 1;
            int to = (int) last & (1 << BLOCK_SHIFT) - 1;
            for (int i = from; i <= to; ) {
                int count = Math.min(to - i + 1, Long.SIZE - i % Long.SIZE);
                pages[i / Long.SIZE] |= (count == Long.SIZE ? -1L : (1L << count) - 1) << i;
                i += count;
            }
            leafShift = Math.max(leafShift, shift);
        }

        private boolean isEmpty() {
            long any = 0;
            for (long word : pages) {
                any |= word;
            }
            return any == 0;
        }
    }

    private final NavigableMap<Long, Block> blocks = new TreeMap<>();
    private volatile int tracking; // changed in the monitor

    /** Adds the pages of [first, last], which a leaf of 1 << shift bytes has mapped. */
    synchronized void add(long first, long last, int shift) {
        long lastPage = last >>> PAGE_SHIFT;
        for (long page = first >>> PAGE_SHIFT; page <= lastPage; ) {
            long end = Math.min(lastPage, page | (1 << BLOCK_SHIFT) - 1);
            blocks.computeIfAbsent(page >>> BLOCK_SHIFT, number -> new Block())
                    .mark(page, end, shift);
            page = end + 1;
        }
    }

    /** Adds neighbouring leaves, 1 << shift bytes each from a base on, whose bit is set. */
    synchronized void add(long base, int shift, long[] leaves) {
        for (int i = 0; i < leaves.length * Long.SIZE; i++) {
            if ((leaves[i / Long.SIZE] >>> i & 1) != 0) {
                add(base + ((long) i << shift), base + (i + 1L << shift) - 1, shift);
            }
        }
    }

    /** Puts a block back as it was taken. */
    synchronized void putBack(long base, Block block) {
        Block present =
                blocks.computeIfAbsent(base >>> PAGE_SHIFT + BLOCK_SHIFT, number -> new Block());
        for (int i = 0; i < WORDS; i++) {
            present.pages[i] |= block.pages[i];
        }
        present.leafShift = Math.max(present.leafShift, block.leafShift);
    }

    /** A tracking begins or ends: what stands here is nobody's. */
    synchronized void clear() {
        blocks.clear();
        tracking = tracking + 1;
    }

    /** {@return a number that changes when a tracking begins and when it ends} */
    int tracking() {
        return tracking;
    }

    /**
     * Requires that a tracking has not ended.
     *
     * @param number what {@link #tracking} was in it
     * @throws IllegalStateException if it has
     */
    void requireTracking(int number) {
        if (tracking != number) {
            throw new IllegalStateException("the tracking has ended");
        }
    }

    synchronized boolean isEmpty() {
        return blocks.isEmpty();
    }

    /**
     * Copies what lies in [first, last].
     *
     * @param takes true to take it out
     * @param number of the tracking for which
     * @return the blocks, by the address of their first page
     * @throws IllegalStateException if that has ended
     */
    synchronized NavigableMap<Long, Block> in(long first, long last, boolean takes, int number) {
        requireTracking(number);
        NavigableMap<Long, Block> found = new TreeMap<>();
        int shift = PAGE_SHIFT + BLOCK_SHIFT;
        for (Map.Entry<Long, Block> entry :
                blocks.subMap(first >>> shift, true, last >>> shift, true).entrySet()) {
            long start = entry.getKey() << shift;
            long end = start | (1L << shift) - 1;
            Block block = entry.getValue();
            Block inside = new Block();
            inside.mark(
                    Math.max(first, start) >>> PAGE_SHIFT,
                    Math.min(last, end) >>> PAGE_SHIFT,
                    block.leafShift);
            for (int i = 0; i < WORDS; i++) {
                inside.pages[i] &= block.pages[i];
                block.pages[i] &= takes ? ~inside.pages[i] : -1L;
            }
            if (!inside.isEmpty()) {
                found.put(start, inside);
            }
        }
        blocks.values().removeIf(Block::isEmpty);
        return found;
    }
}
