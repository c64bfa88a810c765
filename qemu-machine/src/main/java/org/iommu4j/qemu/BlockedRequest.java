package org.iommu4j.qemu;

/**
 * A bus request that came to nothing, as QEMU tells it.
 *
 * @param iova its I/O virtual address; where the reason is unknown, what the translation came to
 * @param reason the unit's fault reason (VT-d, Fault Conditions), or {@link
 *     org.iommu4j.machine.DmaOutcome#UNKNOWN}
 * @param write true if it was a write
 */
record BlockedRequest(long iova, int reason, boolean write) {}
