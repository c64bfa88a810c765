package org.iommu4j.vtd;

import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.concurrent.atomic.LongAdder;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.iommu4j.api.IommuException;
import org.iommu4j.api.Stage;
import org.jspecify.annotations.Nullable;

/**
 * The domain ids of an Iommu: one id is one domain on all units, so there are as many as the unit
 * with the fewest has. 0 is not used: units tag with it what they hold of absent entries.
 */
@Singleton
final class DomainIds {

    private static final Logger LOG = LogManager.getLogger(DomainIds.class);
    private static final int FIRST_IDS = 64;

    private final int end;
    private final BitSet taken = new BitSet();
    private final LongAdder global = new LongAdder();
    private volatile @Nullable DomainId[] lent = new DomainId[FIRST_IDS];

    @Inject
    DomainIds(UnitLimits limits) {
        this.end = 1 << limits.domainIdBits();
    }

    /**
     * Lends an id.
     *
     * @param stage the stage of the domain
     * @return one that no other domain has
     * @throws IommuException if all are lent
     */
    synchronized DomainId lend(Stage stage) {
        int value = taken.nextClearBit(1);
        if (value >= end) {
            throw new IommuException(
                    "all "
                            + (end - 1)
                            + " domain ids of the remapping units are taken, 0x1 to 0x"
                            + Integer.toHexString(end - 1)
                            + "; close a domain");
        }
        taken.set(value);
        @Nullable DomainId[] ids = lent;
        if (value >= ids.length) {
            ids = Arrays.copyOf(ids, ids.length * 2);
        }
        DomainId id = new DomainId(value, stage, new InvalidationCounts(global));
        ids[value] = id;
        lent = ids;
        return id;
    }

    /**
     * Takes an id back. It is lent again only if every unit that ever used it has forgotten what it
     * held under it; else it is lost until the Iommu is closed.
     *
     * @param id a lent id, under which no device is attached
     */
    void takeBack(DomainId id) {
        try {
            for (IotlbTag tag : id.everUsed()) {
                if (tag.unit().isRunning()) {
                    tag.unit().complete(tag.everything());
                }
            }
        } catch (IommuException e) {
            LOG.warn("domain id 0x{} is not used again", Integer.toHexString(id.value()), e);
            return;
        }
        synchronized (this) {
            taken.clear(id.value());
        }
    }

    /**
     * Returns a lent id.
     *
     * @param value its value
     * @return the id
     * @throws IllegalArgumentException if it was never lent
     */
    DomainId get(int value) {
        @Nullable DomainId[] ids = lent;
        DomainId found = value > 0 && value < ids.length ? ids[value] : null;
        if (found == null) {
            throw new IllegalArgumentException(
                    "no domain has the id 0x" + Integer.toHexString(value));
        }
        return found;
    }

    /** {@return the routes, of all domains, of devices that can keep translations} */
    List<Route> devices() {
        List<Route> devices = new ArrayList<>();
        for (DomainId id : lent) {
            if (id != null) {
                devices.addAll(id.holders().devices());
            }
        }
        return devices;
    }

    /** A request that concerns every domain is about to be made. */
    void countGlobal() {
        global.increment();
    }
}
