package org.iommu4j.vtd;

import java.util.List;
import org.iommu4j.api.TableMemoryExhaustedException;

/**
 * The structures of one unit by which it finds where a request goes: who sent it and, in scalable
 * mode, under which process address space id. They are where the modes differ.
 *
 * <p>An entry is made by its first word, once everything else of it is in memory. It is taken down
 * in two steps, {@link #clear} and {@link #wipe}, between which the unit is made to forget it. The
 * caller sees to it that one thread at a time uses this.
 */
sealed interface SourceTables permits ContextTables, PasidTables {

    /** {@return what the root-table register holds: the address, and the mode (RTADDR)} */
    long rootPointer();

    /**
     * Sees to it that there is room for a route's entries until they are wiped; what the unit finds
     * is as it was.
     *
     * @param route whose requests
     * @throws TableMemoryExhaustedException if there are not the pages; nothing has changed
     */
    void reach(Route route);

    /**
     * Sends a route's requests through a domain.
     *
     * @param route a route within {@linkplain #reach reach} whose entry is absent and wiped
     * @param domain the domain
     * @return what a unit that caches absent entries is to forget, in this order
     */
    List<Descriptor> set(Route route, VtdDomain domain);

    /**
     * Makes a route's entry absent, and leaves all else in it as it is. Does no harm twice.
     *
     * @param route whose requests
     * @param domain the domain it was set for
     * @return what the unit is to forget, in this order
     */
    List<Descriptor> clear(Route route, VtdDomain domain);

    /**
     * Empties a route's entry, which the unit has forgotten, and gives back what only this route
     * needed.
     *
     * @param route whose requests
     */
    void wipe(Route route);

    /**
     * Lets the device of a route keep translations and ask for missing pages, or ends that.
     *
     * @param route a route that is set; of the device, all are meant
     * @param on true to let it
     * @return what the unit is to forget
     * @throws IllegalStateException in legacy mode, which has no page requests
     */
    List<Descriptor> serve(Route route, boolean on);

    /**
     * Lets the unit keep dirty bits in the second-stage tables of a route, or ends that.
     *
     * @param route a route that is set
     * @param id the domain it is set for
     * @param on true to let it
     * @return what the unit is to forget, in this order
     * @throws IllegalStateException in legacy mode, which has no dirty bits
     */
    List<Descriptor> keepDirtyBits(Route route, DomainId id, boolean on);

    /** Gives every page back; the unit does not use them any more. */
    void free();
}
