package org.iommu4j.pagetable;

import java.time.Instant;
import java.util.Optional;
import org.iommu4j.api.DomainOperation;
import org.jspecify.annotations.Nullable;

/** The last operations of a domain, for explanations; a ring. Any thread may use it. */
final class OperationHistory {

    private final @Nullable DomainOperation[] ring;
    private int next;

    OperationHistory(int operations) {
        this.ring = new @Nullable DomainOperation[operations];
    }

    /** Notes what has just succeeded, in place of the oldest. */
    void note(DomainOperation.Kind kind, long iova, long size) {
        String thread = Thread.currentThread().getName();
        synchronized (this) {
            ring[next] = new DomainOperation(kind, iova, size, Instant.now(), thread);
            next = (next + 1) % ring.length;
        }
    }

    /** The last operation on a range, if it is remembered. */
    synchronized Optional<DomainOperation> last(long iova, long size) {
        for (int i = 1; i <= ring.length; i++) {
            DomainOperation operation = ring[Math.floorMod(next - i, ring.length)];
            if (operation == null) {
                break;
            }
            if (operation.touches(iova, size)) {
                return Optional.of(operation);
            }
        }
        return Optional.empty();
    }
}
