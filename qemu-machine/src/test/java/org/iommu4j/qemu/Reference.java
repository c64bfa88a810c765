package org.iommu4j.qemu;

import java.util.Map;
import java.util.NavigableMap;
import java.util.Random;
import java.util.TreeMap;
import org.iommu4j.api.Access;

/** What is mapped in one domain, by the simplest means: a map of ranges. */
final class Reference {

    /** What a range is mapped to. */
    private record Range(long end, long physical, Access access) {}

    private final NavigableMap<Long, Range> ranges = new TreeMap<>();

    /** Whether nothing is mapped in a range. */
    boolean isFree(long iova, long size) {
        Map.Entry<Long, Range> last = ranges.lowerEntry(iova + size);
        return last == null || last.getValue().end <= iova;
    }

    void map(long iova, long physical, long size, Access access) {
        ranges.put(iova, new Range(iova + size, physical, access));
    }

    /** Takes away what is mapped in a range; returns how many bytes that were. */
    long unmap(long iova, long size) {
        cut(iova);
        cut(iova + size);
        NavigableMap<Long, Range> gone = ranges.subMap(iova, true, iova + size, false);
        long bytes = 0;
        for (Map.Entry<Long, Range> each : gone.entrySet()) {
            bytes += each.getValue().end - each.getKey();
        }
        gone.clear();
        return bytes;
    }

    /** The physical address of a byte, or -1. */
    long translate(long iova) {
        Map.Entry<Long, Range> at = ranges.floorEntry(iova);
        return at == null || at.getValue().end <= iova
                ? -1
                : at.getValue().physical + iova - at.getKey();
    }

    /** Whether a byte is mapped for reads or for writes. */
    boolean allows(long iova, boolean write) {
        Map.Entry<Long, Range> at = ranges.floorEntry(iova);
        return at != null
                && at.getValue().end > iova
                && (write ? at.getValue().access.writable() : at.getValue().access.readable());
    }

    /** The first or the last word of something that is mapped; of nothing if nothing is. */
    long edge(Random random) {
        if (ranges.isEmpty()) {
            return 0;
        }
        long from = ranges.firstKey();
        Map.Entry<Long, Range> any =
                ranges.floorEntry(random.nextLong(from, ranges.lastEntry().getValue().end));
        return random.nextBoolean() ? any.getKey() : any.getValue().end - Long.BYTES;
    }

    private void cut(long iova) {
        Map.Entry<Long, Range> at = ranges.lowerEntry(iova);
        if (at != null && at.getValue().end > iova) {
            Range whole = at.getValue();
            ranges.put(at.getKey(), new Range(iova, whole.physical, whole.access));
            ranges.put(
                    iova, new Range(whole.end, whole.physical + iova - at.getKey(), whole.access));
        }
    }
}
