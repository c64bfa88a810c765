package org.iommu4j.pagetable;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.iommu4j.api.DomainStatistics;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.machine.PhysicalMemory;

/**
 * Everything that a failing call must leave as it was.
 *
 * @param tables the pages that are tables, each with its address and all its words
 * @param gather what the gather holds
 * @param statistics the statistics
 */
record Snapshot(List<String> tables, List<Object> gather, DomainStatistics statistics) {

    private static final int WORDS = PhysicalMemory.PAGE_SIZE / Long.BYTES;

    static Snapshot of(TestDomain domain, IotlbGather gather) {
        List<String> tables = new ArrayList<>();
        for (long page : domain.allocator().takenPages()) {
            long[] words = new long[WORDS];
            Arrays.setAll(words, i -> domain.memory().loadAcquire(page + (long) i * Long.BYTES));
            tables.add(Long.toHexString(page) + ":" + Arrays.hashCode(words));
        }
        return new Snapshot(List.copyOf(tables), contents(gather), domain.statistics());
    }

    private static List<Object> contents(IotlbGather gather) {
        List<Object> contents = new ArrayList<>();
        for (int i = 0; i < gather.rangeCount(); i++) {
            contents.add(gather.rangeStart(i));
            contents.add(gather.rangeEnd(i));
        }
        contents.add(gather.smallestPage());
        contents.add(gather.structureChanged());
        contents.add(gather.heldPages());
        return contents;
    }
}
