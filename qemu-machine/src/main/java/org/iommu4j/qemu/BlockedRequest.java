package org.iommu4j.qemu;

/**
 * A bus request that QEMU's remapping unit blocked, as QEMU's trace tells it.
 *
 * @param requester the source: bus in 15:8, device in 7:3, function in 2:0
 * @param reason the fault reason (VT-d, Fault Conditions)
 * @param iova its I/O virtual address
 * @param write true if it was a write
 */
record BlockedRequest(int requester, int reason, long iova, boolean write) {}
