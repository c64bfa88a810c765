package org.iommu4j.emulator;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.iommu4j.machine.PhysicalMemory;
import org.jspecify.annotations.Nullable;

/** What happened lately: the newest events push out the oldest. Any thread may call any method. */
final class History {

    private static final int ROOM = 1 << 15;
    private static final int MOST_LINES = 40;
    private static final int MOST_EVERYWHERE = 8;
    private static final long EVERYWHERE = -1;
    /* Of events that are not about an entry. */
    private static final EntryFormat NO_ENTRY = SecondStageEntry.FORMAT;

    private final AtomicReferenceArray<@Nullable Event> events = new AtomicReferenceArray<>(ROOM);
    private final AtomicLong count = new AtomicLong();

    /** Something that happened to a range of addresses, of the tables of a root. */
    private record Event(
            long moment,
            String thread,
            String what,
            long root,
            long start,
            long end,
            long slot,
            long before,
            long after,
            int level,
            EntryFormat format) {

        boolean concerns(long ofRoot, long iova, long page) {
            boolean here = root == ofRoot && start <= iova && iova < end;
            return here || page != 0 && (slot & -PhysicalMemory.PAGE_SIZE) == page;
        }

        @Override
        public String toString() {
            StringBuilder text = new StringBuilder();
            text.append("at ").append(moment).append(" [").append(thread).append("] ").append(what);
            if (end > start) {
                text.append(" 0x").append(Long.toHexString(start));
                text.append("-0x").append(Long.toHexString(end - 1));
            }
            if (level >= 0) {
                text.append(", entry at 0x").append(Long.toHexString(slot)).append(": ");
                text.append(format.text(before, level)).append(" -> ");
                text.append(format.text(after, level));
            } else if (slot != 0) {
                text.append(", page 0x").append(Long.toHexString(slot));
            }
            return text.toString();
        }
    }

    /** Notes what software said of a range. */
    void range(long moment, String what, long root, long start, long end) {
        add(new Event(moment, thread(), what, root, start, end, 0, 0, 0, -1, NO_ENTRY));
    }

    /** Notes what software said of a table. */
    void page(long moment, String what, long root, long page) {
        add(new Event(moment, thread(), what, root, 0, 0, page, 0, 0, -1, NO_ENTRY));
    }

    /** Notes that an entry of tables changes. */
    void entry(
            long moment,
            BelievedTables tables,
            long iova,
            int level,
            long slot,
            long before,
            long after) {
        add(
                new Event(
                        moment,
                        thread(),
                        "changes",
                        tables.root(),
                        iova,
                        iova + EntryFormat.span(level),
                        slot,
                        before,
                        after,
                        level,
                        tables.format()));
    }

    /** Notes what concerns every address. */
    void everywhere(long moment, String what) {
        add(new Event(moment, thread(), what, EVERYWHERE, 0, 0, 0, 0, 0, -1, NO_ENTRY));
    }

    /**
     * Selects the newest events that concern an address or a page.
     *
     * @param root the root of the tables
     * @param iova an I/O virtual address
     * @param page a table page, or 0
     * @return a line each, oldest first
     */
    List<String> of(long root, long iova, long page) {
        List<String> lines = new ArrayList<>();
        int everywhere = 0;
        long last = count.get() - 1;
        for (long i = last; i >= 0 && i > last - ROOM && lines.size() < MOST_LINES; i--) {
            Event event = events.get((int) (i % ROOM));
            if (event != null
                    && (event.root == EVERYWHERE
                            ? everywhere++ < MOST_EVERYWHERE
                            : event.concerns(root, iova, page))) {
                lines.add(event.toString());
            }
        }
        return List.copyOf(lines.reversed());
    }

    private void add(Event event) {
        events.setRelease((int) (count.getAndIncrement() % ROOM), event);
    }

    private static String thread() {
        Thread self = Thread.currentThread();
        return self.getName().isEmpty() ? "thread " + self.threadId() : self.getName();
    }
}
