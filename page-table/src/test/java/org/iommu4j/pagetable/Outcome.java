package org.iommu4j.pagetable;

import java.util.Arrays;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.api.Mapping;

/** What came of one call, and when. */
final class Outcome {

    /** How it ended. */
    enum Result {
        DONE,
        /** Something was mapped where it wanted to map. */
        CONFLICT,
        /** A leaf was covered in part only. */
        REJECTED,
        /** There were too few pages. */
        EXHAUSTED
    }

    final int thread;
    final Call call;
    final long began;
    long ended;
    Result result = Result.DONE;
    int pages;
    final long[] seen;

    /** Which bits stand in the leaf that a device used; 0 if it found none. */
    long used;

    Outcome(int thread, Call call, long began) {
        this.thread = thread;
        this.call = call;
        this.began = began;
        this.seen = new long[call.reads() ? call.count() : 0];
        Arrays.fill(seen, IommuDomain.NOT_MAPPED);
    }

    boolean isDone() {
        return result == Result.DONE;
    }

    /**
     * True if its caller may rely on what is in memory, or is not: it did something, or found
     * something in its way.
     */
    boolean tellsOfMemory() {
        return !call.reads() && !call.isDma() && (isDone() || result == Result.CONFLICT);
    }

    /** True if it was over before the other one began. */
    boolean isBefore(Outcome other) {
        return thread == other.thread ? began < other.began : ended < other.began;
    }

    /** The leaf that a refusal names must touch the range. */
    void requireInRange(Mapping leaf) {
        if (leaf.iova() >= Call.bytes(call.first() + call.count())
                || leaf.iova() + leaf.size() <= Call.bytes(call.first())) {
            throw new AssertionError(call + " was refused because of " + leaf);
        }
    }

    @Override
    public String toString() {
        StringBuilder text =
                new StringBuilder().append((char) ('a' + thread)).append(": ").append(call);
        text.append(' ').append(result);
        if (call.verb() == Call.Verb.UNMAP) {
            text.append(", ").append(pages).append(" pages");
        }
        for (long output : seen) {
            text.append(' ').append(Long.toHexString(output));
        }
        return text.append(" (").append(began).append(" to ").append(ended).append(')').toString();
    }
}
