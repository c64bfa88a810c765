package org.iommu4j.pagetable;

/** Thrown through a thread of an {@link Interleaver} whose run has failed. */
final class Stopped extends RuntimeException {

    private static final long serialVersionUID = 1L;

    Stopped() {
        super("another thread has failed", null, false, false);
    }
}
