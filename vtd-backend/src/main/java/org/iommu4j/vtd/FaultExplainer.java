package org.iommu4j.vtd;

import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.iommu4j.api.AddressExplanation;
import org.iommu4j.api.DmaFault;
import org.iommu4j.machine.SourceId;

/**
 * Adds to faults what the device's domain says of the address. Of many faults a second only the
 * first are explained, so that a device that faults all the time does not have tables be read all
 * the time. Used by one thread at a time.
 */
@Singleton
final class FaultExplainer {

    static final int MOST_A_SECOND = 100;

    private final Attachments attachments;
    private final LongSupplier nanoTime;
    private long second;
    private int explained;

    @Inject
    FaultExplainer(Attachments attachments) {
        this(attachments, System::nanoTime);
    }

    FaultExplainer(Attachments attachments, LongSupplier nanoTime) {
        this.attachments = attachments;
        this.nanoTime = nanoTime;
        this.second = nanoTime.getAsLong();
    }

    /** Returns the fault, explained unless too many were within this second. */
    DmaFault explained(DmaFault fault) {
        long now = nanoTime.getAsLong();
        if (now - second >= TimeUnit.SECONDS.toNanos(1)) {
            second = now;
            explained = 0;
        }
        return explained++ < MOST_A_SECOND ? fault.explainedBy(explanation(fault)) : fault;
    }

    private AddressExplanation explanation(DmaFault fault) {
        Optional<VtdDomain> domain = attachments.domainOf(fault.source(), fault.pasid());
        if (domain.isEmpty()) {
            String pasid =
                    fault.pasid() == SourceId.NO_PASID
                            ? ""
                            : " with PASID 0x" + Integer.toHexString(fault.pasid());
            return AddressExplanation.without(
                    fault.source() + " is attached to no domain" + pasid, fault.iova());
        }
        try {
            return domain.get().explain(fault.iova());
        } catch (RuntimeException e) { // closed meanwhile, say; the fault is reported all the same
            return AddressExplanation.without(
                    domain.get() + " cannot be read: " + e.getMessage(), fault.iova());
        }
    }
}
