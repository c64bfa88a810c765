package org.iommu4j.cli;

import org.iommu4j.api.Iommu;
import org.iommu4j.api.IommuOptions;

/** How a command comes by an Iommu; what tests replace to give it one that misbehaves. */
@FunctionalInterface
interface IommuOpener {
    /** As {@link Iommu#open}. */
    Iommu open(String backend, IommuOptions options);
}
