package org.iommu4j.emulator;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.iommu4j.machine.Sanitizer;

/** What was found: the first ones in full, all of them counted. Any thread may call any method. */
final class Findings implements Sanitizer {

    private static final int MOST = 200;

    private final List<Finding> kept = new ArrayList<>();
    private long count;

    /**
     * Adds a finding.
     *
     * @param rule the rule that is broken
     * @param summary what happened
     * @param history what led to it; asked for only if it is kept
     */
    synchronized void add(String rule, String summary, Supplier<List<String>> history) {
        count++;
        if (kept.size() < MOST) {
            kept.add(new Finding(rule, summary, history.get()));
        }
    }

    @Override
    public synchronized long count() {
        return count;
    }

    @Override
    public synchronized List<Finding> findings() {
        return List.copyOf(kept);
    }
}
