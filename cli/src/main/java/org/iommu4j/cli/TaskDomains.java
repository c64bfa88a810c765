package org.iommu4j.cli;

import java.util.Arrays;

/**
 * Which domain a task last worked on, of the tasks seen recently. Of fixed size: two tasks may
 * share a place, and then the later one has it, so that a trace with any number of tasks costs the
 * same memory.
 */
final class TaskDomains {
    static final int UNKNOWN = -1;

    private static final int PLACES = 4096;

    private final long[] tasks = new long[PLACES];
    private final int[] domains = new int[PLACES];

    TaskDomains() {
        Arrays.fill(domains, UNKNOWN);
    }

    /** The number of the domain, or {@link #UNKNOWN}. */
    int of(long task) {
        int place = place(task);
        return tasks[place] == task ? domains[place] : UNKNOWN;
    }

    void note(long task, int domain) {
        int place = place(task);
        tasks[place] = task;
        domains[place] = domain;
    }

    private static int place(long task) {
        return (int) (task * 0x9e3779b97f4a7c15L >>> 52);
    }
}
