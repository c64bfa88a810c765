package org.iommu4j.stress;

import org.iommu4j.api.IotlbGather;

/**
 * The gathers of both threads of a trial.
 *
 * @param first that of the first one
 * @param second that of the other one
 */
record Gathers(IotlbGather first, IotlbGather second) {}
