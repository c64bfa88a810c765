package org.iommu4j.cli;

import java.util.List;
import java.util.Locale;
import org.iommu4j.api.PartialUnmap;

/**
 * What a trace is replayed on.
 *
 * @param backend the backend's name
 * @param machine what the tables live in: memory, or a machine's provider
 * @param pageSizes page sizes in bytes, ascending
 * @param partialUnmap what an unmap does to a leaf it covers in part
 * @param flush the flush policy's name, with parameters if it takes some
 */
record ReplaySettings(
        String backend,
        String machine,
        List<Long> pageSizes,
        PartialUnmap partialUnmap,
        String flush) {
    ReplaySettings {
        pageSizes = pageSizes.stream().sorted().toList();
    }

    String partialUnmapName() {
        return partialUnmap.name().toLowerCase(Locale.ROOT);
    }

    /** All page sizes, OR-ed together. */
    long pageSizeBits() {
        return pageSizes.stream()
                .mapToLong(Long::longValue)
                .reduce(0, (left, right) -> left | right);
    }
}
