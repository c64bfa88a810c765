package org.iommu4j.inspector;

import java.util.Map;
import org.iommu4j.machine.Providers;
import org.iommu4j.walker.PageTableFormat;
import org.iommu4j.walker.PageTableFormatProvider;

/**
 * The page-table formats of VT-d: the same values that the backend works with, found as a service
 * because the backend exports nothing.
 */
final class VtdTables {
    private static final Map<String, PageTableFormat> FORMATS =
            Providers.choose(
                            PageTableFormatProvider.class,
                            "page-table formats",
                            PageTableFormatProvider.providers(),
                            "vtd")
                    .formats();

    private VtdTables() {}

    static PageTableFormat format(Translation translation, int levels) {
        String name = (translation.isFirstStage() ? "first" : "second") + "-stage-" + levels;
        PageTableFormat format = FORMATS.get(name);
        if (format == null) {
            throw new IllegalStateException(
                    "no format \"" + name + "\"; found: " + FORMATS.keySet());
        }
        return format;
    }
}
