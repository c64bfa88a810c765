package org.iommu4j.pagetable;

/** Sees what is going on between steps. */
interface Watcher {

    /** Memory that threads can reach has changed. */
    void changed();

    /** A hash of the watcher's own state, as far as the future depends on it. */
    long hash();
}
