package com.example.riscv;

import java.time.InstantSource;
import java.util.concurrent.Executor;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.function.Consumer;
import org.iommu4j.api.Attachment;
import org.iommu4j.api.Capabilities;
import org.iommu4j.api.DmaFault;
import org.iommu4j.api.DomainOptions;
import org.iommu4j.api.FaultCounts;
import org.iommu4j.api.Feature;
import org.iommu4j.api.Iommu;
import org.iommu4j.api.IommuDomain;
import org.iommu4j.api.IommuOptions;
import org.iommu4j.api.PageRequestHandler;
import org.iommu4j.api.UnsupportedFeatureException;
import org.iommu4j.flush.CacheFlusher;
import org.iommu4j.flush.CacheFlusherProvider;
import org.iommu4j.flush.FlushContext;
import org.iommu4j.flush.FlushPolicy;
import org.iommu4j.flush.FlushPolicyProvider;
import org.iommu4j.machine.Machine;
import org.iommu4j.machine.SourceId;
import org.iommu4j.machine.Witness;
import org.iommu4j.walker.TableAllocator;
import org.iommu4j.walker.TableAllocatorProvider;
import org.jspecify.annotations.Nullable;

/** The IOMMU of a machine, or its page tables without hardware. */
final class RiscvIommu implements Iommu {

    private final @Nullable Unit unit;
    private final Capabilities capabilities;
    private final FlushPolicy policy;
    private final Background background;
    private final Domains domains;
    private final Attachments attachments;
    private final FaultLog faults;
    private volatile boolean closed;

    private RiscvIommu(IommuOptions options, TableAllocator allocator, @Nullable Unit unit) {
        this.unit = unit;
        UnitLimits limits = limits(options, unit);
        Witness witness = options.machine().map(Machine::witness).orElse(Witness.NONE);
        Invalidations invalidations = new Invalidations(unit == null ? null : unit.commands());
        this.capabilities = limits.capabilities();
        this.background = new Background();
        FlushContext context =
                new FlushContext(invalidations, InstantSource.system(), background::executor);
        CacheFlusher cache =
                options.policy(
                                CacheFlusherProvider.class,
                                "cache flusher",
                                CacheFlusherProvider.providers())
                        .create(options.memory());
        this.policy =
                options.policy(
                                FlushPolicyProvider.class,
                                "flush policy",
                                FlushPolicyProvider.providers())
                        .create(context);
        this.domains =
                new Domains(
                        options.memory(),
                        allocator,
                        cache,
                        witness,
                        policy,
                        context,
                        limits,
                        invalidations);
        this.attachments = new Attachments(domains, witness);
        this.faults = new FaultLog(unit);
    }

    static RiscvIommu open(IommuOptions options) {
        TableAllocator allocator =
                options.policy(
                                TableAllocatorProvider.class,
                                "table allocator",
                                TableAllocatorProvider.providers())
                        .create(options.memory());
        Unit unit =
                options.machine().map(machine -> started(machine, options, allocator)).orElse(null);
        try {
            return new RiscvIommu(options, allocator, unit);
        } catch (RuntimeException e) {
            if (unit != null) {
                unit.stop();
            }
            throw e;
        }
    }

    private static Unit started(Machine machine, IommuOptions options, TableAllocator allocator) {
        Unit unit =
                new Unit(
                        machine.remappingUnits().getFirst(),
                        machine.devices(),
                        options.memory(),
                        allocator);
        try {
            unit.start();
            return unit;
        } catch (RuntimeException e) {
            try {
                unit.stop();
            } catch (RuntimeException second) {
                e.addSuppressed(second);
            }
            throw e;
        }
    }

    private static UnitLimits limits(IommuOptions options, @Nullable Unit unit) {
        UnitCapabilities can = unit == null ? UnitCapabilities.OF_NO_UNIT : unit.capabilities();
        int host = options.machine().map(Machine::hostAddressWidth).orElse(can.physicalWidth());
        return new UnitLimits(can, unit != null, Math.min(host, can.physicalWidth()));
    }

    @Override
    public String backend() {
        return RiscvIommuProvider.NAME;
    }

    @Override
    public Capabilities capabilities() {
        return capabilities;
    }

    @Override
    public synchronized IommuDomain createDomain(DomainOptions options) {
        requireOpen();
        return domains.create(options);
    }

    @Override
    public synchronized Attachment attach(SourceId device, IommuDomain domain) {
        return attachments.attach(requireUnit(Feature.ATTACH), device, domain);
    }

    @Override
    public Attachment attach(SourceId device, int pasid, IommuDomain domain) {
        throw new UnsupportedFeatureException(
                Feature.PASID, device + " with PASID 0x" + Integer.toHexString(pasid));
    }

    @Override
    public AutoCloseable onFault(Consumer<? super DmaFault> listener) {
        requireUnit(Feature.FAULT_REPORTING);
        return faults.listen(listener);
    }

    @Override
    public FaultCounts faultCounts() {
        return faults.counts();
    }

    @Override
    public AutoCloseable onPageRequest(Executor executor, PageRequestHandler handler) {
        throw new UnsupportedFeatureException(Feature.PAGE_REQUESTS, "listening for page requests");
    }

    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        Closing closing = new Closing();
        attachments.all().forEach(attachment -> closing.attempt(attachment::close));
        domains.open().forEach(domain -> closing.attempt(domain::close));
        closing.attempt(policy::close);
        closing.attempt(faults::close);
        if (unit != null) {
            closing.attempt(unit::stop);
        }
        background.close();
        closing.finish();
    }

    private Unit requireUnit(Feature feature) {
        requireOpen();
        if (unit == null) {
            throw new UnsupportedFeatureException(feature, "page tables without hardware");
        }
        return unit;
    }

    private void requireOpen() {
        if (closed) {
            throw new IllegalStateException("the Iommu is closed");
        }
    }

    /** Does every step, and throws what failed at the end. */
    private static final class Closing {

        private @Nullable RuntimeException failure;

        void attempt(Runnable step) {
            try {
                step.run();
            } catch (RuntimeException e) {
                if (failure == null) {
                    failure = e;
                } else {
                    failure.addSuppressed(e);
                }
            }
        }

        void finish() {
            if (failure != null) {
                throw failure;
            }
        }
    }

    /** One thread for what flush policies do later; there is none until a policy asks for it. */
    private static final class Background {

        private @Nullable ScheduledThreadPoolExecutor executor;

        synchronized ScheduledExecutorService executor() {
            if (executor == null) {
                executor =
                        new ScheduledThreadPoolExecutor(
                                1, Thread.ofPlatform().name("riscv flush").daemon().factory());
                executor.setRemoveOnCancelPolicy(true);
            }
            return executor;
        }

        synchronized void close() {
            if (executor != null) {
                executor.shutdownNow();
            }
        }
    }
}
