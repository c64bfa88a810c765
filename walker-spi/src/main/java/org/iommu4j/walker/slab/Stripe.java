package org.iommu4j.walker.slab;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.iommu4j.machine.PageList;

/**
 * A few pages near some threads, behind a lock of their own.
 *
 * <p>Lock, counts and pages stand in one array with room at both ends, so that no two stripes share
 * a cache line wherever the collector moves them. But for {@link #tryEnter}, every method wants the
 * lock.
 */
final class Stripe {

    /** Pages known to be zero. */
    static final int ZEROED = 0;

    /** Pages with anything in them. */
    static final int DIRTY = 1;

    /** How many pages of each kind there is room for. */
    static final int ROOM = 64;

    private static final VarHandle WORD = MethodHandles.arrayElementVarHandle(long[].class);
    private static final int APART = 16;
    private static final int LOCK = APART;
    private static final int COUNT = LOCK + 1;
    private static final int PAGES = APART + 8;

    private final long[] words = new long[PAGES + 2 * ROOM + APART];

    boolean tryEnter() {
        return WORD.compareAndSet(words, LOCK, 0L, 1L);
    }

    void leave() {
        WORD.setRelease(words, LOCK, 0L);
    }

    int count(int kind) {
        return (int) words[COUNT + kind];
    }

    int count() {
        return count(ZEROED) + count(DIRTY);
    }

    boolean isFull(int kind) {
        return count(kind) == ROOM;
    }

    void push(int kind, long page) {
        int count = count(kind);
        words[PAGES + kind * ROOM + count] = page;
        words[COUNT + kind] = count + 1L;
    }

    long pop(int kind) {
        int count = count(kind) - 1;
        words[COUNT + kind] = count;
        return words[PAGES + kind * ROOM + count];
    }

    /** Moves pages to a list, as many as are wanted and here, and returns how many. */
    int moveTo(PageList list, int kind, int wanted) {
        int moved = Math.min(wanted, count(kind));
        for (int i = 0; i < moved; i++) {
            list.add(pop(kind));
        }
        return moved;
    }

    /** Moves the pages that have been here longest to a list that has room. */
    void moveOldestTo(PageList list, int kind, int moved) {
        int first = PAGES + kind * ROOM;
        int left = count(kind) - moved;
        for (int i = 0; i < moved; i++) {
            list.add(words[first + i]);
        }
        System.arraycopy(words, first + moved, words, first, left);
        words[COUNT + kind] = left;
    }
}
