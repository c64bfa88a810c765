package org.iommu4j.conformance.backend;

import org.iommu4j.conformance.Evidence;

/** Calls that must be refused. */
final class Refusal {

    private Refusal() {}

    /** Asks that a call throws, and returns what it threw. */
    static <T extends RuntimeException> T of(
            Class<T> type, String what, Evidence evidence, Runnable call) {
        try {
            call.run();
        } catch (RuntimeException e) {
            if (type.isInstance(e)) {
                return type.cast(e);
            }
            throw evidence.broken(
                    what + " should be refused with " + type.getSimpleName() + ", and threw " + e);
        }
        throw evidence.broken(
                what + " should be refused with " + type.getSimpleName() + ", and was done");
    }
}
