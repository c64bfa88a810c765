package org.iommu4j.emulator;

/** What one thread is doing, as the sanitizer of one machine has to know. Used by that thread. */
final class Strand {

    /* The range that the thread said last it would unmap. */
    private long root = -1;
    private long start;
    private long end;
    /* The range whose dirty bits it said last it would read and clear. */
    private long cleanRoot = -1;
    private long cleanStart;
    private long cleanEnd;
    private long report;
    /* Where an exchange of it failed since. */
    private long failedStart;
    private long failedEnd;
    /* What its walks have last seen that was not as it is now. */
    private long oldMoment;
    private long oldSeen;
    private long oldPage;

    void unmapping(long tables, long from, long to) {
        root = tables;
        start = from;
        end = to;
        failedEnd = failedStart;
    }

    /** The thread has unmapped what it said it would. */
    void unmapped() {
        root = -1;
    }

    /** {@return true if the thread unmaps all of a range} */
    boolean unmaps(long tables, long from, long to) {
        return root == tables && start <= from && to <= end;
    }

    void cleaning(long tables, long from, long to, long number) {
        report = number;
        cleanRoot = tables;
        cleanStart = from;
        cleanEnd = to;
    }

    /** {@return true if the thread reads and clears the dirty bits of all of a range} */
    boolean cleans(long tables, long from, long to) {
        return cleanRoot == tables && cleanStart <= from && to <= cleanEnd;
    }

    /** {@return the number of the report for which it does so} */
    long report() {
        return report;
    }

    void exchangeFailed(long from, long to) {
        failedStart = from;
        failedEnd = to;
    }

    /** {@return true if an exchange has failed in a range since the thread began to unmap} */
    boolean hasFailed(long from, long to) {
        return failedStart < to && from < failedEnd;
    }

    /** A walk saw a word of a page as of a moment that has passed. */
    void sawOld(long moment, long now, long page) {
        oldMoment = moment;
        oldSeen = now;
        oldPage = page;
    }

    /** {@return the moment of what was seen last that was old; 0 if that was before another} */
    long oldSince(long begun) {
        return oldSeen >= begun ? oldMoment : 0;
    }

    /** {@return the page of what was seen last that was old} */
    long oldPage() {
        return oldPage;
    }
}
