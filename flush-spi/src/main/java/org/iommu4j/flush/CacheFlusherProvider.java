package org.iommu4j.flush;

import java.util.List;
import java.util.ServiceLoader;
import org.iommu4j.machine.PhysicalMemory;
import org.iommu4j.machine.Provider;
import org.iommu4j.machine.Providers;

/** Makes cache flushers; found by {@link ServiceLoader}. */
public interface CacheFlusherProvider extends Provider {

    /**
     * Makes a flusher.
     *
     * @param memory the memory that tables live in
     * @return the flusher
     */
    CacheFlusher create(PhysicalMemory memory);

    /** {@return every provider found, highest rank first, then by name} */
    static List<CacheFlusherProvider> providers() {
        return Providers.sorted(ServiceLoader.load(CacheFlusherProvider.class));
    }
}
