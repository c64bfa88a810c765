package org.iommu4j.pagetable;

/** Sees what is going on between the steps of an {@link Interleaver}. */
interface Watcher {

    /** One that does not look. */
    Watcher NOBODY =
            new Watcher() {
                @Override
                public void changed() {}

                @Override
                public long hash() {
                    return 0;
                }
            };

    /** Memory that threads can reach has changed. */
    void changed();

    /** A hash of the watcher's own state, as far as the future depends on it. */
    long hash();
}
