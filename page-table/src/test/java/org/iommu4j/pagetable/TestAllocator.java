package org.iommu4j.pagetable;

import java.util.BitSet;
import org.iommu4j.machine.PageList;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.walker.TableAllocator;

/**
 * An allocator that trusts nobody: it knows where each page is, fills pages that come back with
 * entries that would be believed, finds writes to pages that are free, and fails when it is told
 * to.
 *
 * <p>A wrong use is thrown at once as an {@link AssertionError}, and kept, so that a test that
 * loses the exception still fails in {@link #everythingReturned()}. Its memory is unobserved, so
 * that a stepping scheduler sees a call as one step, announced by the hook of {@link
 * #beforeEachCall}.
 */
final class TestAllocator implements TableAllocator {

    private static final int WORDS = PhysicalMemory.PAGE_SIZE / Long.BYTES;

    private final PhysicalMemory memory;
    private final int pages;
    private final BitSet taken = new BitSet();
    private final BitSet poisoned = new BitSet();
    private volatile Runnable hook = () -> {};
    private int limit;
    private int last;
    private long requests;
    private long failingRequest = -1;
    private String firstMistake = "";

    TestAllocator(PhysicalMemory memory) {
        this.memory = memory.unobserved();
        this.pages = Math.toIntExact(memory.size() / PhysicalMemory.PAGE_SIZE);
        this.limit = pages - 1;
    }

    /** Runs an action before each call, on the calling thread, with nothing held. */
    void beforeEachCall(Runnable action) {
        hook = action;
    }

    /** Makes one request fail: the nth from now, counted from 1. */
    synchronized void failAt(long nth) {
        failingRequest = requests + nth;
    }

    /** Lets no request fail but for want of pages. */
    synchronized void failNever() {
        failingRequest = -1;
    }

    /** Leaves just so many pages that can be taken; requests beyond them fail. */
    synchronized void leave(int free) {
        limit = taken.cardinality() + free;
    }

    /** Takes back what {@link #leave} said. */
    synchronized void leaveAll() {
        limit = pages - 1;
    }

    /** How many requests for pages there were, failed ones included. */
    synchronized long requests() {
        return requests;
    }

    /** How many pages are out. */
    synchronized int taken() {
        return taken.cardinality();
    }

    /** Whether a page is out. */
    synchronized boolean isTaken(long page) {
        return taken.get((int) (page >>> PhysicalMemory.PAGE_SHIFT));
    }

    /** The pages that are out, in ascending order. */
    synchronized long[] takenPages() {
        return taken.stream()
                .mapToLong(index -> (long) index << PhysicalMemory.PAGE_SHIFT)
                .toArray();
    }

    /**
     * The quiescent check: every page came back, none was written after it did, and nobody made a
     * mistake.
     */
    synchronized void everythingReturned() {
        noMistakes();
        if (!taken.isEmpty()) {
            throw new AssertionError(taken.cardinality() + " pages were not returned: " + taken);
        }
    }

    /** Every free page still holds what it was filled with, and nobody made a mistake. */
    synchronized void noMistakes() {
        for (int i = poisoned.nextSetBit(0); i >= 0; i = poisoned.nextSetBit(i + 1)) {
            requirePoison(i);
        }
        if (!firstMistake.isEmpty()) {
            throw new AssertionError(firstMistake);
        }
    }

    @Override
    public long take() {
        PageList one = new PageList();
        return reserveZeroed(1, one) ? one.get(0) : -1;
    }

    @Override
    public void give(long page) {
        PageList one = new PageList();
        one.add(page);
        giveBack(one);
    }

    @Override
    public boolean reserve(int count, PageList list) {
        return request(count, list, false);
    }

    @Override
    public boolean reserveZeroed(int count, PageList list) {
        return request(count, list, true);
    }

    @Override
    public void giveBack(PageList list) {
        hook.run();
        back(list, false);
    }

    @Override
    public void giveBackZeroed(PageList list) {
        hook.run();
        back(list, true);
    }

    @Override
    public long capacity() {
        return pages - 1L;
    }

    @Override
    public synchronized long free() {
        return Math.max(0, limit - taken.cardinality());
    }

    private boolean request(int count, PageList list, boolean zeroed) {
        hook.run();
        return serve(count, list, zeroed);
    }

    private synchronized boolean serve(int count, PageList list, boolean zeroed) {
        if (++requests == failingRequest || count > free()) {
            return false;
        }
        list.ensureRoom(count);
        for (int i = 0; i < count; i++) {
            int index = nextFree();
            taken.set(index);
            if (poisoned.get(index)) {
                requirePoison(index);
                poisoned.clear(index);
            } else if (!zeroed) {
                poison(index);
            }
            if (zeroed) {
                memory.fill(address(index), 0, 0, WORDS);
            }
            list.add(address(index));
        }
        return true;
    }

    /**
     * Goes around, so that a page that came back is not the next to be taken, but one of a small
     * set soon is.
     */
    private int nextFree() {
        int window = Math.min(pages, 2 * (taken.cardinality() + 8));
        for (int tried = 0; tried < window; tried++) {
            last = 1 + last % (window - 1);
            if (!taken.get(last)) {
                return last;
            }
        }
        return taken.nextClearBit(1);
    }

    private synchronized void back(PageList list, boolean zeroed) {
        while (!list.isEmpty()) {
            long page = list.removeLast();
            int index = (int) (page >>> PhysicalMemory.PAGE_SHIFT);
            if (page <= 0
                    || page >= memory.size()
                    || (page & (PhysicalMemory.PAGE_SIZE - 1)) != 0) {
                throw mistake("0x" + Long.toHexString(page) + " was given back and is no page");
            }
            if (!taken.get(index)) {
                throw mistake(
                        "page 0x" + Long.toHexString(page) + " was given back and is not out");
            }
            if (zeroed) {
                requireZero(page);
            }
            taken.clear(index);
            poison(index);
            poisoned.set(index);
        }
    }

    private void requireZero(long page) {
        for (int i = 0; i < WORDS; i++) {
            long word = memory.loadPlain(page + (long) i * Long.BYTES);
            if (word != 0) {
                throw mistake(
                        "page 0x"
                                + Long.toHexString(page)
                                + " was given back as zero and has 0x"
                                + Long.toHexString(word)
                                + " in word "
                                + i);
            }
        }
    }

    private void poison(int index) {
        for (int i = 0; i < WORDS; i++) {
            memory.storePlain(
                    address(index) + (long) i * Long.BYTES, garbage(memory.size(), index, i));
        }
    }

    private void requirePoison(int index) {
        for (int i = 0; i < WORDS; i++) {
            long word = memory.loadPlain(address(index) + (long) i * Long.BYTES);
            if (word != garbage(memory.size(), index, i)) {
                throw mistake(
                        "page 0x"
                                + Long.toHexString(address(index))
                                + " was written after it was freed: word "
                                + i
                                + " is 0x"
                                + Long.toHexString(word));
            }
        }
    }

    /**
     * What stands in a page that nobody may believe: entries that point to pages of this memory,
     * leaves, pointers out of the memory, and zero.
     *
     * @param memoryBytes the size of the memory
     * @param page which page
     * @param word which word of it
     * @return the word's content
     */
    static long garbage(long memoryBytes, int page, int word) {
        long mixed = (page * 0x9e37_79b9_7f4a_7c15L + word) * 0xbf58_476d_1ce4_e5b9L;
        mixed ^= mixed >>> 29;
        long somewhere = (mixed >>> 8 & Long.MAX_VALUE) % memoryBytes & -PhysicalMemory.PAGE_SIZE;
        return switch ((int) (mixed >>> 3 & 7)) {
            case 0, 1, 2 -> somewhere | 0x27;
            case 3, 4 -> somewhere & -(1L << 30) | 0x87;
            case 5 -> 0x000f_fff0_0000_0000L | somewhere | 0x27;
            case 6 -> 0;
            default -> mixed;
        };
    }

    private static long address(int index) {
        return (long) index << PhysicalMemory.PAGE_SHIFT;
    }

    private AssertionError mistake(String what) {
        firstMistake = firstMistake.isEmpty() ? what : firstMistake;
        return new AssertionError(what);
    }
}
