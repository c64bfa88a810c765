package org.iommu4j.cli;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * Where the tables under test disagreed with what the kernel believes: how often, and the first few
 * in words.
 */
final class Violations {
    private static final int KEPT = 5;

    private final List<String> first = new ArrayList<>();
    private long count;

    void add(long line, String what) {
        count++;
        if (first.size() < KEPT) {
            first.add("line " + line + ": " + what);
        }
    }

    long count() {
        return count;
    }

    /** The first few, each with the line of the trace after which it was seen. */
    List<String> first() {
        return Collections.unmodifiableList(first);
    }
}
