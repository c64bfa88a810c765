package org.iommu4j.emulator;

import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * The reports of dirty bits that software makes, and since when they are final. Any thread may call
 * any method; of more unfinished reports than there is room for, the oldest never become final.
 */
final class DirtyReports {

    private static final int ROOM = 1 << 14;

    /** One report: all that was cleaned for it, by one thread. */
    static final class Report {

        private final long number;
        private final long root;
        private long start = Long.MAX_VALUE;
        private long end;
        private volatile long finalSince = Long.MAX_VALUE;

        private Report(long number, long root) {
            this.number = number;
            this.root = root;
        }

        /** [start, end) was cleaned for it. */
        void cleaned(long from, long to) {
            start = Math.min(start, from);
            end = Math.max(end, to);
        }

        /** {@return when software took it for final; the end of time if it has not} */
        long finalSince() {
            return finalSince;
        }
    }

    private final AtomicLong count = new AtomicLong();
    private final AtomicReferenceArray<@Nullable Report> unfinished =
            new AtomicReferenceArray<>(ROOM);

    /** A report of some tables begins; returns its number. */
    long begin(long root) {
        Report report = new Report(count.incrementAndGet(), root);
        unfinished.set((int) (report.number % ROOM), report);
        return report.number;
    }

    /** {@return the report of a number, or null if there is no such, or no room was left for it} */
    @Nullable Report find(long number) {
        Report report = unfinished.get((int) (number % ROOM));
        return report != null && report.number == number ? report : null;
    }

    /**
     * A report is final.
     *
     * @param number what {@link #begin} returned
     * @param moment since when
     * @param history takes a note of it
     */
    void isFinal(long number, long moment, History history) {
        Report report = find(number);
        if (report != null) {
            unfinished.compareAndSet((int) (number % ROOM), report, null);
            report.finalSince = moment;
            if (report.start < report.end) {
                history.range(
                        moment,
                        "has a final report of the dirty bits it cleared in",
                        report.root,
                        report.start,
                        report.end);
            }
        }
    }
}
