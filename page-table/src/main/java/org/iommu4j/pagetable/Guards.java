package org.iommu4j.pagetable;

import java.util.concurrent.atomic.AtomicBoolean;
import org.iommu4j.machine.PageLedger;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.walker.PageTableFormat;

/*
 * The guard word of a page, in the memory's ledger:
 *
 *   bit 0      locked
 *   bits 10:1  how many entries are present
 *   bits 47:11 tag: the IOVA prefix of the table's range under a leading one, so that it tells the level too
 *   bits 62:48 owner: the tree
 *   bit 63     of a table of level 0: the way to it may be pending, it took the place of what hardware may still know
 *
 * Zero: the page is no table. At any time at most one page has a given owner and tag, so locking a page by comparing with
 * them proves that it still is the table of that range, however the caller came to it. A table is unlinked only by who
 * holds its guard and its parent's. Guards are taken parent before child and left before right; none is held while waiting
 * for hardware or for the allocator.
 */

/** The guards of one tree's tables. */
final class Guards {

    /**
     * What {@link #lock} returns for a page that is not, or not any more, the table of that
     * identity.
     */
    static final long GONE = -1;

    private static final long LOCKED = 1;
    private static final int COUNT_SHIFT = 1;
    private static final int COUNT_MASK = 0x3ff;
    private static final long COUNT = (long) COUNT_MASK << COUNT_SHIFT;
    private static final int IDENTITY_SHIFT = 11;
    private static final int TAG_BITS = 37;
    private static final long PENDING = Long.MIN_VALUE;

    private final PhysicalMemory memory;
    private final PageLedger ledger;
    private final int owner;
    private final int[] spanShifts;
    private final long[] prefixes;
    private final int lowestShift;
    private final long lowestPrefix;
    private final AtomicBoolean retired = new AtomicBoolean();

    Guards(PhysicalMemory memory, PageTableFormat format) {
        this.memory = memory;
        this.ledger = memory.ledger();
        int reach = format.shift(format.levels());
        this.owner = ledger.claimOwner();
        this.spanShifts = new int[format.levels()];
        this.prefixes = new long[format.levels()];
        for (int level = 0; level < format.levels(); level++) {
            spanShifts[level] = format.shift(level + 1);
            prefixes[level] = (long) owner << TAG_BITS | 1L << (reach - spanShifts[level]);
        }
        this.lowestShift = spanShifts[0];
        this.lowestPrefix = prefixes[0];
    }

    /** What the guard of the table of a level that holds an address compares with. */
    long identity(long iova, int level) {
        return prefixes[level] | iova >>> spanShifts[level];
    }

    /** The same for level 0. */
    long identity(long iova) {
        return lowestPrefix | iova >>> lowestShift;
    }

    /**
     * Locks a page that is the table of this identity, and returns its word, not locked; or returns
     * {@link #GONE}. A negative word is either that or {@linkplain #settled pending}.
     */
    long lock(long page, long identity) {
        announce(page);
        long word = ledger.loadPlain(page);
        if ((word & ~COUNT) == identity << IDENTITY_SHIFT) {
            announce(page);
            if (ledger.compareAndSet(page, word, word | LOCKED)) {
                return word;
            }
        } else if (identityIn(word) != identity) {
            return GONE;
        }
        return lockOnceFree(page, identity);
    }

    /** True if a page was the table of this identity just now, locked or not. */
    boolean isThere(long page, long identity) {
        if (page == RecentTables.NONE) {
            return false;
        }
        announce(page);
        return identityIn(ledger.loadPlain(page)) == identity;
    }

    /**
     * True if a page was another table of this tree just now, whose identity has the same low bits.
     */
    boolean isOther(long page, long identity, long lowBits) {
        announce(page);
        long there = identityIn(ledger.loadPlain(page));
        return there != identity
                && (there & lowBits) == (identity & lowBits)
                && there >>> TAG_BITS == owner;
    }

    private long lockOnceFree(long page, long identity) {
        while (true) {
            long word = read(page);
            if (identityIn(word) != identity) {
                return GONE;
            }
            if ((word & LOCKED) == 0) {
                announce(page);
                if (ledger.compareAndSet(page, word, word | LOCKED)) {
                    return word;
                }
            } else {
                memory.spin();
            }
        }
    }

    /**
     * Makes a table of this identity a page that is none, waiting for whoever holds its guard.
     * Returns its count.
     */
    int seize(long page, long identity) {
        while (true) {
            long word = read(page);
            if (identityIn(word) != identity) {
                throw new IllegalStateException("no live table at 0x" + Long.toHexString(page));
            }
            if ((word & LOCKED) == 0) {
                announce(page);
                if (ledger.compareAndSet(page, word, 0)) {
                    return count(word);
                }
            } else {
                memory.spin();
            }
        }
    }

    /** How many entries are present, by what {@link #lock} returned. */
    static int count(long word) {
        return (int) (word >>> COUNT_SHIFT) & COUNT_MASK;
    }

    /** What {@link #lock} returned, with more entries present, or fewer. */
    static long counting(long word, int more) {
        return word + ((long) more << COUNT_SHIFT);
    }

    /** What {@link #lock} returned, of a table whose way is not pending any more. */
    static long settled(long word) {
        return word & ~PENDING;
    }

    /** A page's word as it is now, whether it is a table or not. */
    long read(long page) {
        announce(page);
        return ledger.loadAcquire(page);
    }

    /**
     * True if a word says that its page is the table of this identity, and nobody holds its guard.
     */
    static boolean isFreeTable(long word, long identity) {
        return (word & ~(COUNT | PENDING)) == identity << IDENTITY_SHIFT;
    }

    private static long identityIn(long word) {
        return (word & ~PENDING) >>> IDENTITY_SHIFT;
    }

    /** How many entries of a table are present; the caller holds its guard or its parent's. */
    int presentIn(long page) {
        return count(read(page));
    }

    /** Unlocks a table by its word, not locked. */
    void unlock(long page, long word) {
        announce(page);
        ledger.storeRelease(page, word);
    }

    /** Unlocks a table whose count has not changed. */
    void unlock(long page) {
        unlockCounting(page, 0);
    }

    /** Unlocks a table with more entries present, or fewer. */
    void unlockCounting(long page, int more) {
        unlock(page, counting(ledger.loadAcquire(page) & ~LOCKED, more));
    }

    /** Makes a page that the caller has locked no table any more. */
    void kill(long page) {
        announce(page);
        ledger.storeRelease(page, 0);
    }

    /** Gives the owner's number back; no page's word names it any more. */
    void retire() {
        if (retired.compareAndSet(false, true)) {
            ledger.releaseOwner(owner);
        }
    }

    static long word(long identity, int count) {
        return identity << IDENTITY_SHIFT | (long) count << COUNT_SHIFT;
    }

    /** The word of a table the way to which is pending. */
    static long pending(long word) {
        return word | PENDING;
    }

    private void announce(long page) {
        memory.announceLedger(page);
    }
}
