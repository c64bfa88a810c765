package org.iommu4j.cli;

/**
 * A domain that a trace speaks of: its name if the trace tells one, and what the kernel believes is
 * mapped in it.
 */
final class TracedDomain {
    /** Its place in the order of appearance, the first being 0. */
    final int number;

    final KernelView live = new KernelView();

    /** As in {@link TraceEvent#domain}. */
    long name;

    /** The line of the last map that went here. */
    long lastMap;

    TracedDomain(int number, long name) {
        this.number = number;
        this.name = name;
    }
}
