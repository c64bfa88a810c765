package org.iommu4j.emulator;

import org.iommu4j.machine.PhysicalMemory;

/**
 * The lines of one page that software stored to and a unit does not see, or sees only because they
 * arrived by themselves. Any thread may call any method.
 */
final class DirtyLines {

    /** The size of a line, as a power of two. */
    static final int LINE_SHIFT = 6;

    private static final int WORDS = PhysicalMemory.PAGE_SIZE / Long.BYTES;
    private static final int LINES = PhysicalMemory.PAGE_SIZE >> LINE_SHIFT;
    private static final int WORDS_OF_LINE = WORDS / LINES;

    private final long page;
    private final long[] since = new long[LINES];
    private final long[] old = new long[WORDS];
    private final long[] changed = new long[WORDS];
    /* A bit for each line. A hidden one is seen as it was; one in flight was written back, and that is not fenced. */
    private volatile long hidden;
    private volatile long unwritten;
    private long inFlight;
    private volatile long generation;

    DirtyLines(long page) {
        this.page = page;
    }

    /** {@return what {@link #flushTo} was last called with} */
    long generation() {
        return generation;
    }

    /** Makes everything visible, unless that was done for the same number already. */
    synchronized void flushTo(long number) {
        if (generation != number) {
            hidden = 0;
            unwritten = 0;
            inFlight = 0;
            generation = number;
        }
    }

    /**
     * A word is about to be stored.
     *
     * @param address its physical address
     * @param memory the memory
     * @param now the moment
     * @param arrives true if what was there before arrives by itself
     */
    synchronized void store(long address, PhysicalMemory memory, long now, boolean arrives) {
        int line = line(address);
        long bit = 1L << line;
        if ((inFlight & bit) != 0) {
            clean(bit);
        }
        if ((hidden & bit) == 0 || arrives) {
            for (int i = line * WORDS_OF_LINE; i < (line + 1) * WORDS_OF_LINE; i++) {
                old[i] = memory.loadAcquire(page + (long) i * Long.BYTES);
                changed[i] = 0;
            }
            hidden |= bit;
        }
        int word = word(address);
        changed[word] = changed[word] == 0 ? now : changed[word];
        if ((unwritten & bit) == 0) {
            unwritten |= bit;
            since[line] = now;
        }
    }

    /** The line of an address is written back; false if it need not be. */
    synchronized boolean writeBack(long address) {
        inFlight |= unwritten & 1L << line(address);
        return (unwritten & 1L << line(address)) != 0;
    }

    /** What was written back of a line is there now, unless it was stored to since. */
    synchronized void arrive(long address) {
        clean(inFlight & 1L << line(address));
    }

    /** The line of an address arrives by itself. */
    synchronized void arriveByItself(long address) {
        hidden &= ~(1L << line(address));
    }

    boolean isHidden(long address) {
        return (hidden >>> line(address) & 1) != 0;
    }

    /** Loads a word as a unit sees it. */
    synchronized long load(long address, PhysicalMemory memory) {
        return isHidden(address) ? old[word(address)] : memory.loadAcquire(address);
    }

    /** When a word was changed that a unit sees as it was; 0 if it sees what is there. */
    synchronized long changedAt(long address, PhysicalMemory memory) {
        int word = word(address);
        return isHidden(address) && old[word] != memory.loadAcquire(address) ? changed[word] : 0;
    }

    /** When the line of an address was first stored to that waits to be written back; or 0. */
    synchronized long unwrittenSince(long address) {
        return (unwritten >>> line(address) & 1) != 0 ? since[line(address)] : 0;
    }

    boolean isClean() {
        return unwritten == 0;
    }

    private void clean(long bits) {
        inFlight &= ~bits;
        hidden &= ~bits;
        unwritten &= ~bits;
    }

    private static int line(long address) {
        return (int) (address & PhysicalMemory.PAGE_SIZE - 1) >> LINE_SHIFT;
    }

    private static int word(long address) {
        return (int) (address & PhysicalMemory.PAGE_SIZE - 1) / Long.BYTES;
    }
}
