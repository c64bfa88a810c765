package org.iommu4j.vtd;

import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.Arrays;
import java.util.BitSet;
import java.util.concurrent.atomic.LongAdder;
import org.iommu4j.flush.IotlbInvalidator;
import org.jspecify.annotations.Nullable;

/**
 * Stands where a unit would be when there are only page tables: it has nothing to forget, so every
 * request is done at once, and it counts what a unit would have been asked.
 *
 * <p>Its limits are those of common units, so that policies decide as they would on hardware.
 */
@Singleton
final class AbsentUnit implements IotlbInvalidator {

    /** Domain ids have 16 bits, and 0 is not used. */
    static final int LAST_DOMAIN_ID = 0xffff;

    private static final int MAX_ORDER = 18;
    private static final int FIRST_IDS = 64;

    private final BitSet taken = new BitSet();
    private final LongAdder global = new LongAdder();
    private volatile @Nullable InvalidationCounts[] counts = new InvalidationCounts[FIRST_IDS];

    @Inject
    AbsentUnit() {}

    /**
     * Lends a domain id.
     *
     * @return an id that no other domain has, from 1 to {@link #LAST_DOMAIN_ID}
     * @throws IllegalStateException if all are lent
     */
    synchronized int claimDomainId() {
        int id = taken.nextClearBit(1);
        if (id > LAST_DOMAIN_ID) {
            throw new IllegalStateException(
                    "all " + LAST_DOMAIN_ID + " domain ids are taken; close a domain");
        }
        taken.set(id);
        if (id >= counts.length) {
            counts = Arrays.copyOf(counts, counts.length * 2);
        }
        counts[id] = new InvalidationCounts(global);
        return id;
    }

    /**
     * Takes a domain id back.
     *
     * @param id what {@link #claimDomainId} returned
     */
    synchronized void releaseDomainId(int id) {
        taken.clear(id);
    }

    /**
     * Returns what was asked of the unit for a domain.
     *
     * @param domainId a lent domain id
     * @return the counts, which live on
     */
    InvalidationCounts counts(int domainId) {
        InvalidationCounts found = counts[domainId];
        if (found == null) {
            throw new IllegalArgumentException(
                    "no domain has the id 0x" + Integer.toHexString(domainId));
        }
        return found;
    }

    @Override
    public long invalidatePages(int domainId, long iova, int order, boolean leafOnly) {
        counts(domainId).countPage();
        return 0;
    }

    @Override
    public long invalidateDomain(int domainId) {
        counts(domainId).countDomain();
        return 0;
    }

    @Override
    public long invalidateGlobal() {
        global.increment();
        return 0;
    }

    @Override
    public int maxOrder() {
        return MAX_ORDER;
    }

    @Override
    public boolean isDone(long ticket) {
        return true;
    }

    @Override
    public void await(long ticket) {}
}
