package org.iommu4j.walker;

import java.util.List;
import java.util.ServiceLoader;
import java.util.SortedMap;
import org.iommu4j.machine.Provider;
import org.iommu4j.machine.Providers;

/**
 * Gives the page-table formats of one architecture, as the values that its backend works with;
 * found by {@link ServiceLoader}. Who only reads tables, such as an inspector of memory images,
 * reads them with these and needs no backend.
 */
public interface PageTableFormatProvider extends Provider {

    /**
     * Returns the formats.
     *
     * @return the formats by name, such as {@code second-stage-4}: the stage and the number of
     *     levels; not modifiable
     */
    SortedMap<String, PageTableFormat> formats();

    /** {@return every provider found, highest rank first, then by name} */
    static List<PageTableFormatProvider> providers() {
        return Providers.sorted(ServiceLoader.load(PageTableFormatProvider.class));
    }
}
