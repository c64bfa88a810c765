package org.iommu4j.pagetable;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Arrays;
import java.util.concurrent.locks.LockSupport;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.machine.Witness;
import org.jspecify.annotations.Nullable;

/**
 * What changes of structure share in one stripe of I/O virtual addresses: a lock, and the pending
 * spans, each with the stamp of its last change.
 *
 * <p>The lock is held for a few instructions at a time: one exchange to enter it, and none to
 * leave. It cannot be entered twice, and nobody holds two. Without it a thread may only ask whether
 * a range may be pending.
 */
final class Stripe {

    /* Who must see what was stored has taken, after it was, a lock or a guard that was let go after it: but for the lock
     * nothing need be volatile. */
    private static final VarHandle WORD = MethodHandles.arrayElementVarHandle(long[].class);

    /* Room at both ends, so that no two stripes share a cache line, or a pair of lines, wherever the collector moves them. */
    private static final int APART = 16;
    private static final int LOCK = APART;
    private static final int STAMP = LOCK + 1; // of the last change
    private static final int AFTER = LOCK + 2; // where the next span will stand
    private static final int USED = LOCK + 3; // a bit for each word of the filter in use
    private static final int FILTER = LOCK + 4; // a bit for each 2 MiB
    private static final int UNIT_SHIFT = 21;
    private static final int WORDS_OF_FILTER = 8;
    private static final long ALL_WORDS = (1L << WORDS_OF_FILTER) - 1;

    /* The words of a span. */
    private static final int SPAN = 3;
    private static final int END = 1;
    private static final int CHANGED = 2;
    private static final int FIRST_SPAN = APART;
    private static final int MOST = FIRST_SPAN + 1024 * SPAN;

    private static final int ROUNDS_BEFORE_PAUSE = 64;
    private static final int PAUSE_NANOS = 1000;

    private final int number;
    private final PhysicalMemory memory;
    private final Epochs epochs;
    private final long[] words = new long[FILTER + WORDS_OF_FILTER + APART];
    private long[] spans = new long[FIRST_SPAN + 4 * SPAN + APART];

    Stripe(int number, PhysicalMemory memory, Epochs epochs) {
        this.number = number;
        this.memory = memory;
        this.epochs = epochs;
        words[AFTER] = FIRST_SPAN;
    }

    private void enter(long[] shared) {
        if (!WORD.compareAndSet(shared, LOCK, 0L, 1L)) {
            await(shared);
        }
    }

    /** Looks until it is free, and only then tries: who holds it need not fight for the word. */
    private void await(long[] shared) {
        int round = 0;
        do {
            memory.spin();
            if (++round >= ROUNDS_BEFORE_PAUSE) {
                LockSupport.parkNanos(PAUSE_NANOS);
            }
        } while ((long) WORD.getVolatile(shared, LOCK) != 0
                || !WORD.compareAndSet(shared, LOCK, 0L, 1L));
    }

    private static void leave(long[] shared) {
        WORD.setRelease(shared, LOCK, 0L);
    }

    /** The tables are closed. */
    void close() {
        long[] shared = words;
        enter(shared);
        epochs.close(number);
        leave(shared);
    }

    /**
     * False if certainly no pending span touches [start, end), as far as it lies in this stripe.
     */
    boolean mayTouch(long start, long end) {
        return (long) WORD.getOpaque(words, USED) != 0
                && (!Stripes.isOne(start, end) || touches(start, end));
    }

    private boolean touches(long start, long end) {
        long unit = start >>> UNIT_SHIFT;
        for (long left = units(start, end); left > 0; ) {
            if (((long) WORD.getOpaque(words, word(unit)) & mask(unit, left)) != 0) {
                return true;
            }
            left -= inWord(unit);
            unit += inWord(unit);
        }
        return false;
    }

    /** Widens a gather to every span that [start, end) touches. */
    void widen(IotlbGather gather, long start, long end, long pageSize) {
        long[] shared = words;
        enter(shared);
        try {
            addTouched(shared, gather, start, end, pageSize);
        } finally {
            leave(shared);
        }
    }

    /**
     * Widens a gather to every span that [start, end) touches, and notes a change: inside a span
     * that is here already, or as one more.
     *
     * @param clock tells the stamp, or null if the changes are counted
     */
    void change(long start, long end, IotlbGather gather, @Nullable Witness clock) {
        long[] shared = words;
        enter(shared);
        try {
            long now = clock == null ? shared[STAMP] + 1 : clock.moment();
            WORD.setRelease(shared, STAMP, now);
            gather.stamp(number, now);
            if (shared[USED] != 0) {
                addTouched(shared, gather, start, end, end - start);
                if (refresh(shared, start, end, now)) {
                    return;
                }
            }
            append(shared, start, end, now);
        } finally {
            leave(shared);
        }
    }

    /**
     * The invalidation of a gather has completed: takes the spans out that it has covered after
     * their last change.
     *
     * @param freed true if it was the last that hardware knew of some table pages
     */
    void invalidated(IotlbGather gather, boolean freed) {
        long[] shared = words;
        enter(shared);
        try {
            if (freed) {
                epochs.move(number);
            }
            if (shared[USED] != 0) {
                takeOut(shared, gather);
            }
        } finally {
            leave(shared);
        }
    }

    private void addTouched(
            long[] shared, IotlbGather gather, long start, long end, long pageSize) {
        int after = (int) shared[AFTER];
        long[] known = spans;
        for (int at = FIRST_SPAN; at < after; at += SPAN) {
            if (known[at] < end && start < known[at + END]) {
                gather.addRange(known[at], known[at + END] - known[at], pageSize);
                gather.markStructureChanged();
                gather.stamp(number, shared[STAMP]);
            }
        }
    }

    private boolean refresh(long[] shared, long start, long end, long now) {
        int after = (int) shared[AFTER];
        long[] known = spans;
        for (int at = FIRST_SPAN; at < after; at += SPAN) {
            if (known[at] <= start && end <= known[at + END]) {
                known[at + CHANGED] = now;
                return true;
            }
        }
        return false;
    }

    private void takeOut(long[] shared, IotlbGather gather) {
        long latest = gather.stamp(number);
        long[] known = spans;
        int end = (int) shared[AFTER];
        for (int at = end - SPAN; at >= FIRST_SPAN; at -= SPAN) {
            if (known[at + CHANGED] <= latest && gather.covers(known[at], known[at + END])) {
                end -= SPAN;
                if (at < end) {
                    System.arraycopy(known, end, known, at, SPAN);
                }
            }
        }
        shared[AFTER] = end;
        if (end == FIRST_SPAN) {
            clearFilter(shared);
        }
    }

    private void append(long[] shared, long start, long end, long now) {
        if (shared[AFTER] == MOST) {
            joinAll(shared);
        }
        int at = (int) shared[AFTER];
        if (at + SPAN + APART > spans.length) {
            spans = Arrays.copyOf(spans, 2 * spans.length);
        }
        long[] known = spans;
        known[at] = start;
        known[at + END] = end;
        known[at + CHANGED] = now;
        shared[AFTER] = (long) at + SPAN;
        filter(shared, start, end);
    }

    /** Makes one span of all, so that a domain that is never synced keeps a bounded list. */
    private void joinAll(long[] shared) {
        long start = Long.MAX_VALUE;
        long end = 0;
        for (int at = FIRST_SPAN; at < shared[AFTER]; at += SPAN) {
            start = Math.min(start, spans[at]);
            end = Math.max(end, spans[at + END]);
        }
        shared[AFTER] = FIRST_SPAN;
        append(shared, start, end, shared[STAMP]);
    }

    private static void filter(long[] shared, long start, long end) {
        if (!Stripes.isOne(start, end)) {
            Arrays.fill(shared, FILTER, FILTER + WORDS_OF_FILTER, -1L);
            shared[USED] = ALL_WORDS;
            return;
        }
        long unit = start >>> UNIT_SHIFT;
        for (long left = units(start, end); left > 0; ) {
            int word = word(unit);
            shared[word] |= mask(unit, left);
            shared[USED] |= 1L << word - FILTER;
            left -= inWord(unit);
            unit += inWord(unit);
        }
    }

    private static void clearFilter(long[] shared) {
        for (long left = shared[USED]; left != 0; left &= left - 1) {
            shared[FILTER + Long.numberOfTrailingZeros(left)] = 0;
        }
        shared[USED] = 0;
    }

    private static long units(long start, long end) {
        return (end - 1 >>> UNIT_SHIFT) - (start >>> UNIT_SHIFT) + 1;
    }

    private static int word(long unit) {
        return FILTER + ((int) (unit >>> 6) & WORDS_OF_FILTER - 1);
    }

    /** How many units there are from one on to the end of its word. */
    private static long inWord(long unit) {
        return Long.SIZE - (unit & Long.SIZE - 1);
    }

    /** The bits of some units from one on, as far as they stand in its word. */
    private static long mask(long unit, long count) {
        return (count >= Long.SIZE ? -1L : (1L << count) - 1) << unit;
    }
}
