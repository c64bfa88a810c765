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

    /** One report: all that a thread cleaned in some tables until it ended it. */
    static final class Report {

        /** The root of the tables. */
        final long root;

        private long number;
        private long start = Long.MAX_VALUE;
        private long end;
        private volatile long finalSince = Long.MAX_VALUE;

        Report(long root) {
            this.root = root;
        }

        /** [start, end) was cleaned for it; said by the thread that works on it. */
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
    private final AtomicReferenceArray<@Nullable Report> ended = new AtomicReferenceArray<>(ROOM);

    /** A thread has ended a report; returns its number. */
    long ended(Report report) {
        report.number = count.incrementAndGet();
        ended.set((int) (report.number % ROOM), report);
        return report.number;
    }

    /**
     * A report is final.
     *
     * @param number what {@link #ended} returned
     * @param moment since when
     * @param history takes a note of it
     */
    void isFinal(long number, long moment, History history) {
        Report report = ended.get((int) (number % ROOM));
        if (report != null && report.number == number) {
            ended.compareAndSet((int) (number % ROOM), report, null);
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
