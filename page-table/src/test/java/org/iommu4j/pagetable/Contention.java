package org.iommu4j.pagetable;

import java.util.HashMap;
import java.util.Map;

/**
 * Which words and guards several threads come to touch, at least one of them changing it, in any
 * run. A load of any other word, or an access to any other guard, gives the same whenever it is
 * made, and so need not be a step.
 */
final class Contention {

    /** The threads that touched a place, and those that changed it, a bit each. */
    private static final class Threads {
        private int touching;
        private int changing;

        boolean contend() {
            return changing != 0 && Integer.bitCount(touching) > 1;
        }
    }

    private final Map<Long, Threads> places = new HashMap<>();
    private boolean grew;

    /** A thread touches a place; true if it is contended. */
    boolean touch(int thread, long place) {
        return note(thread, place, false);
    }

    /** A thread changes a place. */
    void change(int thread, long place) {
        note(thread, place, true);
    }

    /** True if a place came to be contended since this was asked last. */
    boolean grew() {
        boolean had = grew;
        grew = false;
        return had;
    }

    private boolean note(int thread, long place, boolean changes) {
        Threads threads = places.computeIfAbsent(place, any -> new Threads());
        boolean did = threads.contend();
        threads.touching |= 1 << thread;
        threads.changing |= changes ? 1 << thread : 0;
        grew |= !did && threads.contend();
        return threads.contend();
    }
}
