package org.iommu4j.conformance;

import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import org.iommu4j.flush.FlushContext;
import org.iommu4j.flush.FlushPolicy;
import org.iommu4j.flush.FlushPolicyProvider;
import org.jspecify.annotations.Nullable;

/** A policy under test, with the unit it drives and the domains it serves. */
final class FlushScene implements AutoCloseable {

    final ModelUnit unit;
    final FlushPolicy policy;
    private final Evidence evidence;
    private final List<ModelDomain> domains = new ArrayList<>();
    private @Nullable ScheduledThreadPoolExecutor scheduler;

    FlushScene(FlushPolicyProvider provider, Evidence evidence, int maxOrder) {
        this.unit = new ModelUnit(maxOrder);
        this.evidence = evidence;
        this.policy =
                provider.create(new FlushContext(unit, InstantSource.system(), this::scheduler));
    }

    /** A new domain, under a domain id of its own. */
    ModelDomain domain() {
        ModelDomain domain = new ModelDomain(domains.size() + 1, unit);
        domains.add(domain);
        return domain;
    }

    /** Ends the run as broken if the policy did anything wrong so far. */
    void requireNoProblem() {
        unit.mistakes().forEach(mistake -> evidence.broken("G4: " + mistake));
        for (ModelDomain domain : domains) {
            domain.problems().forEach(evidence::broken);
        }
    }

    /** The same, and if anything handed over is not over with. */
    void requireAllDone(String after) {
        requireNoProblem();
        for (ModelDomain domain : domains) {
            domain.unfinished().forEach(what -> evidence.broken(what + ", after " + after));
        }
    }

    private synchronized ScheduledExecutorService scheduler() {
        if (scheduler == null) {
            scheduler =
                    new ScheduledThreadPoolExecutor(
                            1, Thread.ofPlatform().name("contract").daemon().factory());
        }
        return scheduler;
    }

    @Override
    public void close() {
        evidence.note(unit.requests() + " requests to a unit of order " + unit.maxOrder());
        synchronized (this) {
            if (scheduler != null) {
                scheduler.shutdownNow();
            }
        }
    }
}
