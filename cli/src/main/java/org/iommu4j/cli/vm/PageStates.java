package org.iommu4j.cli.vm;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * What the host is doing to each page, for devices that want to know whether a fault was to be
 * expected.
 *
 * <p>A page goes round through four states: present, being taken, gone, returning. Its stamp counts
 * the steps, so that two equal stamps mean that nothing has happened to the page in between. A step
 * is made before anything happens that devices may notice, and after all that they must not.
 * Stepping is for one thread, looking for any.
 */
public final class PageStates {
    private static final VarHandle STAMP = MethodHandles.arrayElementVarHandle(int[].class);
    private static final int STATES = 3;
    private static final int PRESENT = 0;
    private static final int GONE = 2;

    private final int[] stamps;

    /**
     * Makes the states of pages that are all present.
     *
     * @param pages how many
     */
    public PageStates(int pages) {
        stamps = new int[pages];
    }

    /**
     * Moves a page on to its next state.
     *
     * @param page its number
     */
    public void advance(int page) {
        STAMP.setVolatile(stamps, page, stamps[page] + 1);
    }

    /**
     * Reads the stamp of a page; what the caller does next stays behind it.
     *
     * @param page its number
     * @return the stamp
     */
    public int stamp(int page) {
        return (int) STAMP.getAcquire(stamps, page);
    }

    /** Whether nothing has happened to a page since its stamp was read, up to now. */
    boolean isStill(int page, int stamp) {
        VarHandle.fullFence();
        return (int) STAMP.getOpaque(stamps, page) == stamp;
    }

    /**
     * Says whether devices can reach a page, at least until its next step.
     *
     * @param stamp its stamp
     * @return true if they can
     */
    public static boolean isPresent(int stamp) {
        return (stamp & STATES) == PRESENT;
    }

    /**
     * Says whether devices cannot reach a page any more, until its next step.
     *
     * @param stamp its stamp
     * @return true if they cannot
     */
    public static boolean isGone(int stamp) {
        return (stamp & STATES) == GONE;
    }
}
