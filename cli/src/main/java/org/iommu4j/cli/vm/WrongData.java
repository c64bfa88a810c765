package org.iommu4j.cli.vm;

import java.util.ArrayList;
import java.util.List;

/**
 * Data that was not what it must be: how often, and the first few in words. Any thread may call any
 * method.
 */
public final class WrongData {
    private static final int KEPT = 5;

    private final List<String> first = new ArrayList<>();
    private long count;

    /** Begins with none. */
    public WrongData() {}

    /**
     * Counts one.
     *
     * @param what what was wrong
     */
    public synchronized void add(String what) {
        count++;
        if (first.size() < KEPT) {
            first.add(what);
        }
    }

    /** {@return how often data was wrong} */
    public synchronized long count() {
        return count;
    }

    /** {@return the first few, in words} */
    public synchronized List<String> first() {
        return List.copyOf(first);
    }
}
