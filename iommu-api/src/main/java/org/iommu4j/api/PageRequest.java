package org.iommu4j.api;

import org.iommu4j.machine.SourceId;

/**
 * A device's request for a page that is not mapped; the device waits for the answer.
 *
 * @param source which device
 * @param pasid the process address space id, or {@link SourceId#NO_PASID} for a request without one
 * @param group the page-request group
 * @param iova the page it wants
 * @param read true if it wants to read
 * @param write true if it wants to write
 * @param last true if it is the last of its group
 */
public record PageRequest(
        SourceId source,
        int pasid,
        int group,
        long iova,
        boolean read,
        boolean write,
        boolean last) {}
