package com.example.riscv.unit;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import org.iommu4j.machine.Sanitizer;
import org.iommu4j.machine.Witness;

/**
 * Finds the unit walking a page that is no table any more: software gave it back before the unit
 * had forgotten it (G1). Of the rules that a sanitizer can watch this is the one whose breach
 * corrupts memory and shows nowhere else.
 */
final class TableSanitizer implements Sanitizer, Witness {

    private static final int MOST_FINDINGS = 100;

    private final Set<Long> tables = ConcurrentHashMap.newKeySet();
    private final Map<Long, String> lastEvents = new ConcurrentHashMap<>();
    private final List<Finding> findings = new CopyOnWriteArrayList<>();
    private final AtomicLong count = new AtomicLong();

    @Override
    public void tableLinked(long root, long page) {
        tables.add(page);
        note("linked", root, page);
    }

    @Override
    public void tableUnlinked(long root, long page) {
        note("unlinked", root, page);
    }

    @Override
    public void tableReturned(long root, long page) {
        tables.remove(page);
        note("given back", root, page);
    }

    /** The unit is about to read an entry of a table. */
    void walks(long page, long iova) {
        if (!tables.contains(page) && count.incrementAndGet() <= MOST_FINDINGS) {
            findings.add(
                    new Finding(
                            "G1",
                            "the unit walked the page 0x"
                                    + Long.toHexString(page)
                                    + " for 0x"
                                    + Long.toHexString(iova)
                                    + ", which is no table",
                            List.of(lastEvents.getOrDefault(page, "it never was one"))));
        }
    }

    @Override
    public long count() {
        return count.get();
    }

    @Override
    public List<Finding> findings() {
        return List.copyOf(findings);
    }

    private void note(String what, long root, long page) {
        lastEvents.put(
                page,
                "0x"
                        + Long.toHexString(page)
                        + " was "
                        + what
                        + ", by the tables under 0x"
                        + Long.toHexString(root));
    }
}
