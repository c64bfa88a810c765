package org.iommu4j.emulator;

import org.iommu4j.machine.SourceId;

/**
 * Carries out what software wants forgotten, whichever way it says so, and waits for the requests
 * that still use it. The calls come one at a time.
 */
final class Invalidations {

    private final TranslationCaches caches;
    private final InFlight inFlight;
    private final boolean canDrain;
    private boolean drainReads;
    private boolean drainWrites;

    Invalidations(TranslationCaches caches, InFlight inFlight, boolean canDrain) {
        this.caches = caches;
        this.inFlight = inFlight;
        this.canDrain = canDrain;
    }

    /** Carries out a well-formed descriptor of type 1. */
    void contexts(Descriptor descriptor) {
        contexts(
                descriptor.granularity(),
                descriptor.domain(),
                descriptor.source(),
                descriptor.functionMask());
    }

    /** Carries out a well-formed descriptor of type 2. */
    void translations(Descriptor descriptor) {
        drain(descriptor.drainsReads(), descriptor.drainsWrites());
        translations(
                descriptor.granularity(),
                descriptor.domain(),
                descriptor.address(),
                descriptor.addressMask(),
                descriptor.leavesOnly());
    }

    /** Carries out a well-formed descriptor of type 6, which always drains. */
    void translationsOfPasid(Descriptor descriptor) {
        drainReads = true;
        drainWrites = true;
        int domain = descriptor.domain();
        if (descriptor.granularity() == Descriptor.SELECTIVE) {
            caches.invalidateTranslations(
                    domain,
                    descriptor.pasid(),
                    descriptor.address(),
                    descriptor.addressMask(),
                    descriptor.leavesOnly());
        } else {
            caches.invalidateTranslations(domain, descriptor.pasid());
        }
    }

    /** Carries out a well-formed descriptor of type 7. */
    void pasids(Descriptor descriptor) {
        switch (descriptor.granularity()) {
            case Descriptor.ALL_PASIDS -> caches.invalidatePasids();
            case Descriptor.ONE_PASID ->
                    caches.invalidatePasid(descriptor.domain(), descriptor.pasid());
            default -> caches.invalidatePasids(descriptor.domain());
        }
    }

    /** Forgets contexts; a granularity is that of a {@link Descriptor}. */
    void contexts(int granularity, int domain, int source, int functionMask) {
        switch (granularity) {
            case Descriptor.GLOBAL -> caches.invalidateContexts();
            case Descriptor.DOMAIN -> caches.invalidateContexts(domain);
            default -> caches.invalidateContexts(domain, source, functionMask);
        }
    }

    /** Forgets translations; a granularity is that of a {@link Descriptor}. */
    void translations(int granularity, int domain, long iova, int mask, boolean leavesOnly) {
        switch (granularity) {
            case Descriptor.GLOBAL -> caches.invalidateTranslations();
            case Descriptor.DOMAIN -> caches.invalidateTranslations(domain, SourceId.NO_PASID);
            default ->
                    caches.invalidateTranslations(
                            domain, SourceId.NO_PASID, iova, mask, leavesOnly);
        }
    }

    /** Makes the next {@link #await} wait for reads and writes under way, too. */
    void drain(boolean reads, boolean writes) {
        drainReads |= reads && canDrain;
        drainWrites |= writes && canDrain;
    }

    /**
     * Waits until no request uses what has been forgotten: a walk in any case, a transfer if it is
     * to be drained.
     */
    void await() {
        inFlight.await(caches.generation(), drainReads, drainWrites);
        drainReads = false;
        drainWrites = false;
    }
}
