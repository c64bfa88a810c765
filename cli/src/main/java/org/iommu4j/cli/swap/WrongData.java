package org.iommu4j.cli.swap;

import java.util.ArrayList;
import java.util.List;

/**
 * Data that was not what it must be: how often, and the first few in words. Any thread may call any
 * method.
 */
final class WrongData {
    private static final int KEPT = 5;

    private final List<String> first = new ArrayList<>();
    private long count;

    synchronized void add(String what) {
        count++;
        if (first.size() < KEPT) {
            first.add(what);
        }
    }

    synchronized long count() {
        return count;
    }

    synchronized List<String> first() {
        return List.copyOf(first);
    }
}
