package org.iommu4j.emulator;

import java.util.concurrent.atomic.AtomicLong;

/**
 * The clock of the sanitizer: what software says makes it go on, what hardware does is stamped with
 * it. Any thread may call any method.
 *
 * <p>The moment of a translation carries, below the tick, what made the unit see something old.
 */
final class Moments {

    /** The word was read in a table that had been unlinked. */
    static final int UNLINKED = 1;

    /** The word had been changed, and the unit saw it as it was last written back. */
    static final int UNWRITTEN = 2;

    /** The word was read in a page that was no table any more. */
    static final int RETURNED = 3;

    private static final int CAUSE = 3;
    private static final int TICK = CAUSE + 1;

    private final AtomicLong clock = new AtomicLong(TICK);
    private volatile long lastFlush;

    /** {@return a new moment, later than all before} */
    long tick() {
        return clock.addAndGet(TICK);
    }

    /** {@return the latest moment there was} */
    long now() {
        return clock.get();
    }

    /** Software has flushed the write buffers. */
    void flushed() {
        lastFlush = tick();
    }

    /** {@return when software flushed the write buffers last; 0 if it never did} */
    long lastFlush() {
        return lastFlush;
    }

    /** {@return the moment, with the cause that makes it an old one} */
    static long old(long moment, int cause) {
        return moment & ~CAUSE | cause;
    }

    /** {@return what makes a moment an old one; 0 if nothing does} */
    static int causeOf(long moment) {
        return (int) moment & CAUSE;
    }
}
