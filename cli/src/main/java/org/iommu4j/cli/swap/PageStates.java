package org.iommu4j.cli.swap;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * What the swapper is doing to each page, for devices that want to know whether a fault was to be
 * expected.
 *
 * <p>A page goes round through four states: present, being taken, gone, returning. Its stamp counts
 * the steps, so that two equal stamps mean that nothing has happened to the page in between. A step
 * is made before anything happens that devices may notice, and after all that they must not.
 * Stepping is for one thread, looking for any.
 */
final class PageStates {
    private static final VarHandle STAMP = MethodHandles.arrayElementVarHandle(int[].class);
    private static final int STATES = 3;
    private static final int PRESENT = 0;
    private static final int GONE = 2;

    private final int[] stamps;

    /** Makes the states of so many pages, which are all present. */
    PageStates(int pages) {
        stamps = new int[pages];
    }

    /** Moves a page on to its next state. */
    void advance(int page) {
        STAMP.setVolatile(stamps, page, stamps[page] + 1);
    }

    /** The stamp of a page; what the caller does next stays behind it. */
    int stamp(int page) {
        return (int) STAMP.getAcquire(stamps, page);
    }

    /** Whether nothing has happened to a page since its stamp was read, up to now. */
    boolean isStill(int page, int stamp) {
        VarHandle.fullFence();
        return (int) STAMP.getOpaque(stamps, page) == stamp;
    }

    /** Whether devices can reach the page: at least until its next step. */
    static boolean isPresent(int stamp) {
        return (stamp & STATES) == PRESENT;
    }

    /** Whether devices cannot reach the page any more, until its next step. */
    static boolean isGone(int stamp) {
        return (stamp & STATES) == GONE;
    }
}
