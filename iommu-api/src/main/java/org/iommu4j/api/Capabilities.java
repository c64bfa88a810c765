package org.iommu4j.api;

import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/**
 * What a backend can do on the hardware it was opened on. Immutable. Page sizes, widths and what a
 * mapping can express are those of the stage that a domain has whose options name none.
 *
 * @param pageSizes the page sizes in bytes, OR-ed together: bit 12 for 4 KiB, 21 for 2 MiB, 30 for
 *     1 GiB
 * @param addressWidths the widths of I/O virtual addresses a domain may have, in bits, ascending
 * @param hostAddressWidth the width of output addresses, in bits
 * @param features what else it can do
 */
public record Capabilities(
        long pageSizes, List<Integer> addressWidths, int hostAddressWidth, Set<Feature> features) {

    /** Copies what is given. */
    public Capabilities {
        addressWidths = addressWidths.stream().sorted().toList();
        features =
                features.isEmpty()
                        ? Set.of()
                        : Collections.unmodifiableSet(EnumSet.copyOf(features));
    }

    /**
     * Asks for a page size.
     *
     * @param bytes a power of two
     * @return true if leaves of this size can be used
     */
    public boolean hasPageSize(long bytes) {
        return Long.bitCount(bytes) == 1 && (pageSizes & bytes) != 0;
    }

    /**
     * Asks for a feature.
     *
     * @param feature the feature
     * @return true if it is there
     */
    public boolean has(Feature feature) {
        return features.contains(feature);
    }

    /**
     * Insists on a feature.
     *
     * @param feature the feature
     * @param what what it is needed for, in a few words, for the message
     * @throws UnsupportedFeatureException if it is missing
     */
    public void require(Feature feature, String what) {
        if (!has(feature)) {
            throw new UnsupportedFeatureException(feature, what);
        }
    }
}
