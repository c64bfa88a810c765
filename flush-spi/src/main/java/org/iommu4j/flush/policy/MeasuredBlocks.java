package org.iommu4j.flush.policy;

import java.time.Duration;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.flush.IotlbInvalidator;
import org.jspecify.annotations.Nullable;

/**
 * {@link AlignedBlocks} whose limit is what the unit's requests cost, measured once, when the first
 * of them is needed.
 */
final class MeasuredBlocks implements Invalidation {

    private final IotlbInvalidator unit;
    private final Duration refill;
    private volatile @Nullable AlignedBlocks blocks;

    MeasuredBlocks(IotlbInvalidator unit, Duration refill) {
        this.unit = unit;
        this.refill = refill;
    }

    @Override
    public void complete(int domainId, IotlbGather gather) {
        AlignedBlocks measured = blocks;
        if (measured == null) {
            measured = measure(domainId);
        }
        measured.complete(domainId, gather);
    }

    private synchronized AlignedBlocks measure(int domainId) {
        AlignedBlocks measured = blocks;
        if (measured == null) {
            measured =
                    new AlignedBlocks(unit, RequestCost.measured(unit, domainId, refill).limit());
            blocks = measured;
        }
        return measured;
    }
}
