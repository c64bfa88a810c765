package org.iommu4j.flush;

import java.time.InstantSource;
import java.util.concurrent.ScheduledExecutorService;
import java.util.function.Supplier;

/**
 * What a flush policy is made of.
 *
 * @param invalidator the unit's invalidations and their limits
 * @param clock what tells the time
 * @param scheduler gives the executor for work in the background; it is started when first asked
 *     for, and stopped with the Iommu
 */
public record FlushContext(
        IotlbInvalidator invalidator,
        InstantSource clock,
        Supplier<ScheduledExecutorService> scheduler) {}
