package org.iommu4j.vtd;

import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.iommu4j.api.Stage;

/**
 * The id by which every unit knows one domain: whose requests go through it now, what units ever
 * cached under it, and what was asked of them. Any thread may call any method.
 */
final class DomainId {

    private static final Holders NOBODY = new Holders(List.of(), List.of());

    /**
     * Who holds translations of a domain.
     *
     * @param tags what units tag them with
     * @param devices the routes of devices that can keep some
     */
    record Holders(List<IotlbTag> tags, List<Route> devices) {}

    private final int value;
    private final Stage stage;
    private final InvalidationCounts counts;
    private final Set<Route> routes = new LinkedHashSet<>();
    private final Set<IotlbTag> everUsed = new LinkedHashSet<>();
    private volatile Holders holders = NOBODY;

    DomainId(int value, Stage stage, InvalidationCounts counts) {
        this.value = value;
        this.stage = stage;
        this.counts = counts;
    }

    int value() {
        return value;
    }

    /** {@return the stage of the domain} */
    Stage stage() {
        return stage;
    }

    InvalidationCounts counts() {
        return counts;
    }

    /** {@return who has to forget what changes in the domain} */
    Holders holders() {
        return holders;
    }

    /** Requests are about to go through the domain: from now on its unit hears of changes. */
    synchronized void join(Route route) {
        routes.add(route);
        everUsed.add(IotlbTag.of(route, this));
        settle();
    }

    /** Requests go through the domain no more, and the unit has forgotten them. */
    synchronized void leave(Route route) {
        routes.remove(route);
        settle();
    }

    private void settle() {
        holders =
                new Holders(
                        routes.stream().map(route -> IotlbTag.of(route, this)).distinct().toList(),
                        routes.stream().filter(route -> route.tlb() != null).toList());
    }

    /** {@return whose requests go through the domain now} */
    synchronized List<Route> routes() {
        return List.copyOf(routes);
    }

    /** {@return every tag under which a unit has ever cached translations of the domain} */
    synchronized Collection<IotlbTag> everUsed() {
        return List.copyOf(everUsed);
    }

    @Override
    public String toString() {
        return "domain 0x" + Integer.toHexString(value);
    }
}
