package org.iommu4j.pagetable;

import java.lang.System.Logger;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.iommu4j.api.CoalescePolicy;
import org.iommu4j.api.Feature;
import org.iommu4j.api.IommuException;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.api.UnsupportedFeatureException;
import org.jspecify.annotations.Nullable;

/**
 * What a domain's policy says of merging leaves unasked: after a map, or while the domain is quiet,
 * a step at a time. Any thread may use it.
 */
final class Coalescing {

    private static final Logger LOG = System.getLogger(Coalescing.class.getName());

    private final PageTable table;
    private final CoalescePolicy policy;
    private final @Nullable Supplier<ScheduledExecutorService> scheduler;
    private @Nullable ScheduledFuture<?> steps;
    private @Nullable IotlbGather merged;
    private volatile boolean begun;
    private boolean closed;
    private long place;
    private long changesSeen = -1;

    /**
     * Prepares what the table's policy says.
     *
     * @param scheduler gives what runs the steps, on a thread that may wait for hardware; null if
     *     there is none
     * @throws UnsupportedFeatureException if the policy needs one and there is none
     */
    Coalescing(PageTable table, @Nullable Supplier<ScheduledExecutorService> scheduler) {
        this.table = table;
        this.policy = table.coalescePolicy();
        this.scheduler = scheduler;
        if (policy.when() == CoalescePolicy.When.IN_BACKGROUND && scheduler == null) {
            throw new UnsupportedFeatureException(
                    Feature.COALESCE,
                    "coalescing in the background, for which this backend has no thread");
        }
    }

    /** True if maps are to be told of. */
    boolean follows() {
        return policy.when() == CoalescePolicy.When.ON_MAP
                || policy.when() == CoalescePolicy.When.IN_BACKGROUND;
    }

    /** A range was mapped. */
    void mapped(PageTableDomain domain, long iova, long size, IotlbGather gather) {
        if (policy.when() == CoalescePolicy.When.ON_MAP) {
            table.merging().around(iova, gather);
            table.merging().around(iova + size - 1, gather);
        } else if (!begun && scheduler != null) {
            begin(domain, scheduler);
        }
    }

    private synchronized void begin(
            PageTableDomain domain, Supplier<ScheduledExecutorService> executor) {
        if (!begun && !closed) {
            IotlbGather gather = domain.gather();
            merged = gather;
            long quiet = policy.quiet().toNanos();
            steps =
                    executor.get()
                            .scheduleWithFixedDelay(
                                    () -> step(domain, gather), quiet, quiet, TimeUnit.NANOSECONDS);
            begun = true;
        }
    }

    /**
     * One step, if nothing has been split and no table came or went since the last look; and what a
     * step that failed has left to be invalidated.
     */
    private synchronized void step(PageTableDomain domain, IotlbGather gather) {
        long changes = table.changes();
        boolean quiet = changes == changesSeen;
        if (!closed && (quiet || !gather.isEmpty())) {
            try {
                if (quiet) {
                    long last = (1L << table.addressWidth()) - 1;
                    place = table.merging().step(place, last, policy.step(), gather);
                }
                if (!gather.isEmpty()) {
                    domain.sync(gather);
                }
            } catch (RuntimeException e) {
                LOG.log(Logger.Level.WARNING, "a step of coalescing in the background failed", e);
            }
            changes = table.changes();
        }
        changesSeen = changes;
    }

    /**
     * Ends the steps; waits for one that runs, and has hardware forget what a step that failed has
     * left.
     *
     * @throws IommuException if a unit fails; to be called again
     */
    synchronized void close() {
        closed = true;
        if (steps != null) {
            steps.cancel(false);
        }
        if (merged != null && !merged.isEmpty()) {
            merged.owner().sync(merged).await();
        }
    }
}
