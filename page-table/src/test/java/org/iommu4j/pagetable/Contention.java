package org.iommu4j.pagetable;

import java.util.HashMap;
import java.util.Map;

/**
 * Which words and guards several threads come to touch, at least one of them changing it, in any
 * run. A load of any other word, or an access to any other guard, gives the same whenever it is
 * made, and so is no step.
 */
final class Contention {

    private final Map<Long, int[]> touched = new HashMap<>();
    private boolean grew;

    /** A thread touches it; true if it is contended. */
    boolean touch(int thread, AccessKind kind, long address) {
        int[] masks = masks(kind, address);
        return note(masks, masks[0] | 1 << thread, masks[1]);
    }

    /** A thread has changed it. */
    void write(int thread, AccessKind kind, long address) {
        int[] masks = masks(kind, address);
        note(masks, masks[0] | 1 << thread, masks[1] | 1 << thread);
    }

    /** Whether more became known as contended since this was asked last. */
    boolean grew() {
        boolean had = grew;
        grew = false;
        return had;
    }

    private int[] masks(AccessKind kind, long address) {
        return touched.computeIfAbsent(
                address << 1 | (kind == AccessKind.GUARD ? 1 : 0), any -> new int[2]);
    }

    private boolean note(int[] masks, int touching, int writing) {
        boolean was = isContended(masks);
        masks[0] = touching;
        masks[1] = writing;
        grew |= !was && isContended(masks);
        return isContended(masks);
    }

    private static boolean isContended(int[] masks) {
        return masks[1] != 0 && Integer.bitCount(masks[0]) > 1;
    }
}
