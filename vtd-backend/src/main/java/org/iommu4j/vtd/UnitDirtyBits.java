package org.iommu4j.vtd;

import java.util.ArrayList;
import java.util.List;
import org.iommu4j.api.Feature;
import org.iommu4j.api.IommuException;
import org.iommu4j.api.Stage;
import org.iommu4j.api.UnsupportedFeatureException;

/*
 * A route joins the domain before its entry is made, which asks whether dirty bits are kept; who turns them on says so first
 * and then goes through the routes. So an entry that was made too early to know is found, and changed.
 */

/**
 * Whether units keep dirty bits in the tables of a domain: in the first stage they always do; in
 * the second, where the PASID entry says so (VT-d, Scalable-Mode PASID Table Entry, SSADE). Any
 * thread may ask.
 */
final class UnitDirtyBits {

    private final DomainId id;
    private final boolean canBeKept;
    private volatile boolean on;

    /**
     * Makes what says no.
     *
     * @param id the domain
     * @param canBeKept true if a unit of the Iommu can, or there is none
     */
    UnitDirtyBits(DomainId id, boolean canBeKept) {
        this.id = id;
        this.canBeKept = canBeKept;
    }

    /** {@return true if every unit whose requests go through the domain has to keep them} */
    boolean isOn() {
        return on;
    }

    /**
     * Has every unit keep them, now and for what is attached later.
     *
     * @throws UnsupportedFeatureException if one cannot; nothing has changed
     * @throws IommuException if one fails
     */
    synchronized void start() {
        if (!canBeKept) {
            throw new UnsupportedFeatureException(
                    Feature.DIRTY_TRACKING, "trackDirty: no remapping unit keeps dirty bits");
        }
        on = true;
        List<Route> changed = new ArrayList<>();
        try {
            id.routes().forEach(this::requireKept);
            for (Route route : id.routes()) {
                changed.add(route);
                write(route, true);
            }
        } catch (IommuException e) {
            on = false;
            changed.forEach(route -> undo(route, e));
            throw e;
        }
    }

    private void undo(Route route, IommuException failure) {
        try {
            write(route, false);
        } catch (IommuException e) {
            failure.addSuppressed(e);
        }
    }

    /**
     * Units need keep them no longer.
     *
     * @throws IommuException if one fails; it may keep them on
     */
    synchronized void stop() {
        on = false;
        id.routes().forEach(route -> write(route, false));
    }

    private void write(Route route, boolean kept) {
        if (id.stage() == Stage.SECOND) {
            route.unit().keepDirtyBits(route, id, kept);
        }
    }

    /**
     * Holds the unit of a route against it (L3).
     *
     * @param route a route, attached or not
     * @throws UnsupportedFeatureException if the unit would have to keep them, and cannot
     */
    void requireKept(Route route) {
        if (on && !route.unit().capabilities().keepsDirtyBits(id.stage())) {
            throw new UnsupportedFeatureException(
                    Feature.DIRTY_TRACKING,
                    "a domain whose writes are tracked, with "
                            + route.unit().name()
                            + ", which keeps no dirty bits in tables of its stage");
        }
    }
}
