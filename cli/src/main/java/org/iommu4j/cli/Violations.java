package org.iommu4j.cli;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.iommu4j.machine.Sanitizer;

/**
 * Where the tables under test disagreed with what the kernel believes, or hardware with the tables:
 * how often, and the first few in words.
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

    /** What a machine's sanitizer found. */
    void add(Sanitizer.Finding finding) {
        count++;
        if (first.size() < KEPT) {
            first.add(finding.toString());
        }
    }

    long count() {
        return count;
    }

    /** The first few; of those of a trace, each with the line after which it was seen. */
    List<String> first() {
        return Collections.unmodifiableList(first);
    }
}
