package org.iommu4j.api;

import java.util.List;
import java.util.Optional;

/**
 * What a domain says of one address: the way of a walk to it, what is mapped there and around it,
 * and what was done there last.
 *
 * <p>It is read without stopping anybody. Of tables that change meanwhile, each part was true at
 * some moment of the reading; for a blocked DMA that is after the fault, and the tables may have
 * changed in between.
 *
 * @param subject which domain, in words; if there is none, or nothing can be said of its tables,
 *     the reason
 * @param iova the address
 * @param walk the entries that hardware reads on its way from the root table, in order; empty if
 *     there are no tables, the address lies beyond their width, or the domain does not tell
 * @param mapping the leaf that maps the address; empty if nothing is mapped there
 * @param below the nearest leaf below it; empty if there is none near
 * @param above the nearest leaf above it; empty if there is none near
 * @param lastOperation what was done last to its page of 4 KiB; empty if the domain has no {@link
 *     DomainOptions#withHistory history}, or remembers nothing of that page
 */
public record AddressExplanation(
        String subject,
        long iova,
        List<TableStep> walk,
        Optional<Mapping> mapping,
        Optional<Mapping> below,
        Optional<Mapping> above,
        Optional<DomainOperation> lastOperation) {

    /** Copies what is given. */
    public AddressExplanation {
        walk = List.copyOf(walk);
    }

    /**
     * Says that nothing is known of any tables.
     *
     * @param reason why, in words
     * @param iova the address
     * @return the explanation
     */
    public static AddressExplanation without(String reason, long iova) {
        return new AddressExplanation(
                reason,
                iova,
                List.of(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty());
    }

    /** One line: the domain, what it maps there or around it, and the last operation. */
    @Override
    public String toString() {
        String there =
                mapping.map(leaf -> " maps " + leaf)
                        .orElseGet(() ->
                                walk.isEmpty()
                                        ? ""
                                        : " maps nothing there; "
                                                + neighbour(below, "below")
                                                + ", "
                                                + neighbour(above, "above"));
        return subject + there + lastOperation.map(operation -> "; last: " + operation).orElse("");
    }

    private static String neighbour(Optional<Mapping> leaf, String where) {
        return leaf.map(found -> where + " it " + found).orElse("nothing near " + where + " it");
    }
}
