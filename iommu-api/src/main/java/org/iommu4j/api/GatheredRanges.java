package org.iommu4j.api;

import org.iommu4j.machine.PageList;

/** The content of a gather, apart from it so that it outlives a gather that was dropped. */
final class GatheredRanges {

    private static final int CAPACITY = 4;

    private final long[] starts = new long[CAPACITY];
    private final long[] ends = new long[CAPACITY];
    private final PageList pages = new PageList();
    private int count;
    private long smallestPage;
    private boolean structureChanged;
    private final long[] stamps = new long[IotlbGather.STAMPS];
    private int stamped; // a bit for each stamp

    boolean isEmpty() {
        return count == 0 && !structureChanged && pages.isEmpty();
    }

    int count() {
        return count;
    }

    long start(int index) {
        return starts[checked(index)];
    }

    long end(int index) {
        return ends[checked(index)];
    }

    long start() {
        long lowest = count == 0 ? 0 : Long.MAX_VALUE;
        for (int i = 0; i < count; i++) {
            lowest = Math.min(lowest, starts[i]);
        }
        return lowest;
    }

    long end() {
        long highest = 0;
        for (int i = 0; i < count; i++) {
            highest = Math.max(highest, ends[i]);
        }
        return highest;
    }

    boolean covers(long start, long end) {
        for (int i = 0; i < count; i++) {
            if (starts[i] <= start && end <= ends[i]) {
                return true;
            }
        }
        return false;
    }

    long smallestPage() {
        return smallestPage;
    }

    boolean structureChanged() {
        return structureChanged;
    }

    void markStructureChanged() {
        structureChanged = true;
    }

    PageList pages() {
        return pages;
    }

    long stamp(int part) {
        return stamps[part];
    }

    int stampedParts() {
        return stamped;
    }

    void stamp(int part, long count) {
        stamps[part] = count;
        stamped |= 1 << part;
    }

    /** Adds [start, end): joined with what it touches, else beside it, else to the nearest. */
    void add(long start, long end, long pageSize) {
        if (count == 0) { // most are synced after each call
            starts[0] = start;
            ends[0] = end;
            smallestPage = pageSize;
            count = 1;
            return;
        }
        smallestPage = smallestPage == 0 ? pageSize : Math.min(smallestPage, pageSize);
        for (int i = 0; i < count; i++) {
            if (start <= ends[i] && end >= starts[i]) {
                join(i, start, end);
                return;
            }
        }
        if (count < CAPACITY) {
            starts[count] = start;
            ends[count++] = end;
        } else {
            join(nearest(start, end), start, end);
        }
    }

    void moveTo(GatheredRanges target) {
        for (int i = 0; i < count; i++) {
            target.add(starts[i], ends[i], smallestPage);
        }
        target.structureChanged |= structureChanged;
        pages.moveTo(target.pages);
        for (int left = stamped; left != 0; left &= left - 1) {
            int part = Integer.numberOfTrailingZeros(left);
            target.stamp(part, Math.max(target.stamps[part], stamps[part]));
        }
        forgetRanges();
    }

    void forgetRanges() {
        count = 0;
        smallestPage = 0;
        structureChanged = false;
        for (; stamped != 0; stamped &= stamped - 1) {
            stamps[Integer.numberOfTrailingZeros(stamped)] = 0;
        }
    }

    /** Widens a range to hold [start, end), then swallows what it has come to touch. */
    private void join(int joined, long start, long end) {
        long low = Math.min(starts[joined], start);
        long high = Math.max(ends[joined], end);
        for (int i = count - 1; i >= 0; i--) {
            if (i == joined || (low <= ends[i] && high >= starts[i])) {
                low = Math.min(low, starts[i]);
                high = Math.max(high, ends[i]);
                count--;
                starts[i] = starts[count];
                ends[i] = ends[count];
            }
        }
        starts[count] = low;
        ends[count++] = high;
    }

    private int nearest(long start, long end) {
        int best = 0;
        long distance = Long.MAX_VALUE;
        for (int i = 0; i < count; i++) {
            long gap = Math.max(starts[i] - end, start - ends[i]);
            if (gap < distance) {
                distance = gap;
                best = i;
            }
        }
        return best;
    }

    private int checked(int index) {
        if (index < 0 || index >= count) {
            throw new IndexOutOfBoundsException("no range " + index + " of " + count);
        }
        return index;
    }

    @Override
    public String toString() {
        StringBuilder text = new StringBuilder("gather");
        for (int i = 0; i < count; i++) {
            text.append(" [0x").append(Long.toHexString(starts[i]));
            text.append(", 0x").append(Long.toHexString(ends[i])).append(')');
        }
        text.append(structureChanged ? ", structure changed" : "");
        return text.append(", ").append(pages.size()).append(" pages held").toString();
    }
}
