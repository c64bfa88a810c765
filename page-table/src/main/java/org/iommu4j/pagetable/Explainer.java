package org.iommu4j.pagetable;

import java.util.Optional;
import org.iommu4j.api.AddressExplanation;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.machine.PhysicalMemory;
import org.jspecify.annotations.Nullable;

/** Explains addresses of one tree, and remembers what was done to them. Any thread may use it. */
final class Explainer {

    private final Tables tables;
    private final RangeCheck check;
    private final @Nullable OperationHistory history;

    Explainer(Tables tables, RangeCheck check, DomainOptions options) {
        this.tables = tables;
        this.check = check;
        this.history = options.history() == 0 ? null : new OperationHistory(options.history());
    }

    /** What was done; null if nobody wants to know. */
    @Nullable OperationHistory history() {
        return history;
    }

    /**
     * Explains an address, as {@link org.iommu4j.api.IommuDomain#explain}.
     *
     * @param domain which domain, in words
     * @throws IllegalStateException if the tables are closed
     */
    AddressExplanation explain(String domain, long iova) {
        if (!check.isInside(iova)) {
            String words = domain + " has addresses of " + check.addressWidth() + " bits";
            return AddressExplanation.without(words, iova);
        }
        Surroundings around = new Surroundings(tables);
        return new AddressExplanation(
                domain,
                iova,
                around.walk(iova),
                around.at(iova),
                around.below(iova),
                around.above(iova, (1L << check.addressWidth()) - 1),
                history == null
                        ? Optional.empty()
                        : history.last(iova & -PhysicalMemory.PAGE_SIZE, PhysicalMemory.PAGE_SIZE));
    }
}
