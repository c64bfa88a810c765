package org.iommu4j.api;

import org.iommu4j.machine.Provider;

/**
 * Makes an {@link Iommu}; what the author of a backend provides, found by {@link
 * java.util.ServiceLoader}.
 */
public interface IommuProvider extends Provider {

    /**
     * Opens the hardware.
     *
     * @param options on what, and with which policies
     * @return the Iommu, which the caller closes
     * @throws IllegalArgumentException if an option is not legal, or a policy is not found
     * @throws IommuException if the hardware cannot be brought up; it is left as it was
     */
    Iommu open(IommuOptions options);
}
