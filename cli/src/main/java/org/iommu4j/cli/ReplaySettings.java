package org.iommu4j.cli;

import java.util.List;
import java.util.Locale;
import org.iommu4j.api.CoalescePolicy;
import org.iommu4j.api.PartialUnmap;

/**
 * What a trace is replayed on.
 *
 * @param backend the backend's name
 * @param machine what the tables live in: memory, or a machine's provider
 * @param pageSizes page sizes in bytes, ascending
 * @param partialUnmap what an unmap does to a leaf it covers in part
 * @param coalesce when leaves are merged
 * @param coalesceText how the user wrote that
 * @param flush the flush policy's name, with parameters if it takes some
 */
record ReplaySettings(
        String backend,
        String machine,
        List<Long> pageSizes,
        PartialUnmap partialUnmap,
        CoalescePolicy coalesce,
        String coalesceText,
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
