package org.iommu4j.machine;

import java.lang.foreign.MemorySegment;
import java.util.BitSet;

/**
 * One 64-bit word for every page of a {@link PhysicalMemory}, beside the memory, which the hardware
 * cannot see.
 *
 * <p>Whoever owns a page may keep what it likes in the page's word; a word nobody has written is
 * zero. An engine keeps the guard of a table page here. There is one ledger a memory, so that a
 * word answers for its page whichever domain uses the page. Any thread may call any method; the
 * memory order is in the method's name.
 */
public final class PageLedger {

    private static final int WORD_BYTES = Long.BYTES;
    private static final int WORD_SHIFT = 3;
    private static final int OWNERS = 1 << 15;

    /* Keeps the words mapped. */
    @SuppressWarnings("unused")
    private final MemorySegment backing;

    private final long base;
    private final long end; // of the memory
    private final BitSet owners = new BitSet();
    private int lastOwner;
    private long usedEnd;

    PageLedger(long bytesOfMemory, long usedEnd) {
        this.usedEnd = usedEnd;
        this.end = bytesOfMemory;
        long pages = bytesOfMemory >>> PhysicalMemory.PAGE_SHIFT;
        this.backing = SparseMemory.map(Math.max(pages, 1) * WORD_BYTES);
        this.base = backing.address();
    }

    /**
     * {@return the physical address from which on no page was handed out by anybody, so that every
     * page from there on is zero unless its owner stored to it}
     */
    public synchronized long usedEnd() {
        return usedEnd;
    }

    /**
     * Notes that pages are about to be handed out for the first time, so that who manages the same
     * memory later does not take them for zero.
     *
     * @param end the physical address behind the last of them
     */
    public synchronized void noteUsed(long end) {
        usedEnd = Math.max(usedEnd, end);
    }

    /**
     * Reads a page's word in no particular order: what it says must be proved by {@link
     * #compareAndSet}.
     *
     * @param page the physical address of the page, in bytes
     * @return its word
     */
    public long loadPlain(long page) {
        return (long) Words.WORD.get(Words.EVERYTHING, at(page));
    }

    /**
     * Reads a page's word with acquire order.
     *
     * @param page the physical address of the page, in bytes
     * @return its word
     */
    public long loadAcquire(long page) {
        return (long) Words.WORD.getAcquire(Words.EVERYTHING, at(page));
    }

    /**
     * Replaces a page's word if it holds what is expected, with acquire and release order.
     *
     * @param page the physical address of the page, in bytes
     * @param expected what must be there
     * @param value what will be there
     * @return true if the word was replaced
     */
    public boolean compareAndSet(long page, long expected, long value) {
        return Words.WORD.compareAndSet(Words.EVERYTHING, at(page), expected, value);
    }

    /**
     * Stores a page's word with release order.
     *
     * @param page the physical address of the page, in bytes
     * @param value the word
     */
    public void storeRelease(long page, long value) {
        Words.WORD.setRelease(Words.EVERYTHING, at(page), value);
    }

    /**
     * Lends a number that no other owner of pages of this memory has at the same time. Numbers are
     * not lent again soon.
     *
     * @return a number from 1 to 32767
     * @throws IllegalStateException if all are lent
     */
    public synchronized int claimOwner() {
        for (int tried = 1; tried < OWNERS; tried++) {
            int owner = 1 + (lastOwner + tried - 1) % (OWNERS - 1);
            if (!owners.get(owner)) {
                owners.set(owner);
                lastOwner = owner;
                return owner;
            }
        }
        throw new IllegalStateException(
                "all " + (OWNERS - 1) + " owners of this memory are taken; close a domain");
    }

    /**
     * Takes a number back.
     *
     * @param owner what {@link #claimOwner} returned; no page's word names it any more
     */
    public synchronized void releaseOwner(int owner) {
        owners.clear(owner);
    }

    private long at(long page) {
        if (Long.compareUnsigned(page, end) >= 0) {
            throw new IndexOutOfBoundsException(
                    "no page at physical address 0x" + Long.toHexString(page));
        }
        return Words.place(base + (page >>> PhysicalMemory.PAGE_SHIFT - WORD_SHIFT));
    }
}
