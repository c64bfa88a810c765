package org.iommu4j.vtd;

import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The id by which every unit knows one domain: which units that concerns now, which ever did, and
 * what was asked of them. Any thread may call any method.
 */
final class DomainId {

    private static final Unit[] NONE = {};

    private final int value;
    private final InvalidationCounts counts;
    private final Map<Unit, Integer> devices = new LinkedHashMap<>();
    private final Set<Unit> everUsedBy = new LinkedHashSet<>();
    private volatile Unit[] units = NONE;

    DomainId(int value, InvalidationCounts counts) {
        this.value = value;
        this.counts = counts;
    }

    int value() {
        return value;
    }

    InvalidationCounts counts() {
        return counts;
    }

    /** {@return the units with a device on the domain; not to be changed} */
    Unit[] units() {
        return units;
    }

    /** A device of a unit is about to be attached: from now on the unit hears of changes. */
    synchronized void join(Unit unit) {
        devices.merge(unit, 1, Integer::sum);
        everUsedBy.add(unit);
        units = devices.keySet().toArray(NONE);
    }

    /** A device of a unit is detached, and the unit has forgotten it. */
    synchronized void leave(Unit unit) {
        devices.computeIfPresent(unit, (_, count) -> count == 1 ? null : count - 1);
        units = devices.keySet().toArray(NONE);
    }

    /** {@return every unit that has ever had a device on the domain} */
    synchronized List<Unit> everUsedBy() {
        return List.copyOf(everUsedBy);
    }
}
