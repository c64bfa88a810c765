package org.iommu4j.flush;

import java.util.List;
import java.util.ServiceLoader;
import org.iommu4j.machine.Provider;
import org.iommu4j.machine.Providers;

/** Makes flush policies; found by {@link ServiceLoader}. */
public interface FlushPolicyProvider extends Provider {

    /**
     * Makes a policy for one unit.
     *
     * @param context what it is made of
     * @return the policy, which the backend closes
     */
    FlushPolicy create(FlushContext context);

    /** {@return every provider found, highest rank first, then by name} */
    static List<FlushPolicyProvider> providers() {
        return Providers.sorted(ServiceLoader.load(FlushPolicyProvider.class));
    }
}
