package org.iommu4j.pagetable;

import java.util.Arrays;
import org.iommu4j.pagetable.HardwareWalk.Translation;

/**
 * Watches some addresses through an operation: each may change once, from what it was before to
 * what it is afterwards; one that is the same before and after never changes.
 */
final class HitlessCheck {

    private final HardwareWalk walk;
    private final long root;
    private final long[] iovas;
    private final Translation[] before;
    private final Translation[] now;
    private final int[] changes;
    private int step;

    HitlessCheck(HardwareWalk walk, long root, long[] iovas) {
        this.walk = walk;
        this.root = root;
        this.iovas = iovas;
        this.before = translations();
        this.now = before.clone();
        this.changes = new int[iovas.length];
    }

    private Translation[] translations() {
        return Arrays.stream(iovas)
                .mapToObj(iova -> walk.translation(root, iova))
                .toArray(Translation[]::new);
    }

    /** Looks at all addresses. */
    void look() {
        step++;
        for (int i = 0; i < iovas.length; i++) {
            Translation seen = walk.translation(root, iovas[i]);
            if (!seen.equals(now[i])) {
                now[i] = seen;
                if (++changes[i] > 1) {
                    throw new AssertionError(
                            "at step "
                                    + step
                                    + " 0x"
                                    + Long.toHexString(iovas[i])
                                    + " changes again, to "
                                    + seen
                                    + "; it was "
                                    + before[i]);
                }
            }
        }
    }

    /** Looks for the last time: what is seen now is what the operation was to bring about. */
    void end() {
        Translation[] after = now.clone();
        look();
        for (int i = 0; i < iovas.length; i++) {
            if (!now[i].equals(after[i])) {
                throw new AssertionError(
                        "0x" + Long.toHexString(iovas[i]) + " changed after the last step");
            }
            if (changes[i] > 0
                    && !before[i].equals(Translation.NONE)
                    && !now[i].equals(Translation.NONE)) {
                throw new AssertionError(
                        "0x"
                                + Long.toHexString(iovas[i])
                                + " was "
                                + before[i]
                                + " and became "
                                + now[i]);
            }
        }
    }

    /** Checks what a walk saw whose loads were spread over the operation. */
    void requireBeforeOrAfter(int place, Translation seen, Object when) {
        if (!seen.equals(before[place]) && !seen.equals(now[place])) {
            throw new AssertionError(
                    "a walk with loads at steps "
                            + when
                            + " took 0x"
                            + Long.toHexString(iovas[place])
                            + " to "
                            + seen
                            + "; it was "
                            + before[place]
                            + " and becomes "
                            + now[place]);
        }
    }

    long[] iovas() {
        return iovas;
    }
}
