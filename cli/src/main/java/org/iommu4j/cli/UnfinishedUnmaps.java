package org.iommu4j.cli;

import java.util.Arrays;
import org.iommu4j.api.FlushCompletion;

/**
 * The ranges of a domain that were unmapped, and that devices may still reach: a careful caller
 * does not use them again before. For one thread.
 */
final class UnfinishedUnmaps {
    private long[] starts = new long[16];
    private long[] ends = new long[16];
    private FlushCompletion[] completions = new FlushCompletion[16];
    private int count;

    /** A range was unmapped, and a sync began. */
    void add(long start, long end, FlushCompletion completion) {
        if (completion.isDone()) {
            return;
        }
        if (count == starts.length) {
            removeFinished();
        }
        if (count == starts.length) {
            starts = Arrays.copyOf(starts, 2 * count);
            ends = Arrays.copyOf(ends, 2 * count);
            completions = Arrays.copyOf(completions, 2 * count);
        }
        starts[count] = start;
        ends[count] = end;
        completions[count++] = completion;
    }

    /** Waits until nothing in a range can be reached any more; true if that took a wait. */
    boolean await(long start, long end) {
        boolean waited = false;
        for (int i = 0; i < count; i++) {
            if (starts[i] < end && start < ends[i] && !completions[i].isDone()) {
                completions[i].await();
                waited = true;
            }
        }
        if (waited) {
            removeFinished();
        }
        return waited;
    }

    private void removeFinished() {
        int left = 0;
        for (int i = 0; i < count; i++) {
            if (!completions[i].isDone()) {
                starts[left] = starts[i];
                ends[left] = ends[i];
                completions[left++] = completions[i];
            }
        }
        Arrays.fill(completions, left, count, FlushCompletion.DONE);
        count = left;
    }
}
