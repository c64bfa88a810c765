package org.iommu4j.flush.policy;

import java.lang.System.Logger;
import java.time.Duration;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import org.iommu4j.api.FlushCompletion;
import org.iommu4j.api.IotlbGather;
import org.iommu4j.flush.FlushContext;
import org.iommu4j.flush.FlushPolicy;
import org.iommu4j.flush.IotlbInvalidator;

/**
 * Collects gathers, and has the hardware forget a whole domain for many of them at once: when
 * enough have come, when they hold enough pages, when the oldest has waited long enough, or when
 * somebody waits.
 *
 * <p>Past the bounds the thread that hands over does the flush itself, unless another one is at it;
 * far past them it waits for that one, so that what is held stays bounded whatever comes in.
 */
final class DeferredPolicy implements FlushPolicy {

    private static final Logger LOG = System.getLogger(DeferredPolicy.class.getName());

    /* How far a bound may be passed while another thread flushes. */
    private static final int PATIENCE = 2;

    private final FlushContext context;
    private final IotlbInvalidator unit;
    private final int count;
    private final long pages;
    private final Duration age;
    private final BatchTable domains = new BatchTable();
    private final AtomicLong heldPages = new AtomicLong();
    private final ReentrantLock flushingAll = new ReentrantLock();
    private final AtomicBoolean armed = new AtomicBoolean();
    private volatile boolean closed;

    /* Whether the timer's last flush failed; the timer's. */
    private boolean failing;

    /**
     * Begins with nothing.
     *
     * @param count how many gathers of a domain make a batch
     * @param pages how many held table pages, over all domains, end every batch
     * @param age how long a gather waits at most
     */
    DeferredPolicy(FlushContext context, int count, long pages, Duration age) {
        this.context = context;
        this.unit = context.invalidator();
        this.count = count;
        this.pages = pages;
        this.age = age;
    }

    @Override
    public FlushCompletion sync(int domainId, IotlbGather gather) {
        if (gather.isEmpty()) {
            repeatIfFailed(domainId, gather.owner());
            return FlushCompletion.DONE;
        }
        DomainBatches domain = domains.find(domainId, gather.owner());
        FlushCompletion completion = domain == null ? null : domain.add(gather);
        while (completion == null) {
            domain = find(domainId, gather);
            completion = domain.add(gather);
        }
        if (!armed.get()) {
            arm();
        }
        if (closed) {
            completion.await();
        } else if (domain != null && domain.count() >= count) {
            domain.flush(domain.count() >= (long) PATIENCE * count);
        }
        long held = heldPages.get();
        if (held >= pages) {
            flushAll(held >= PATIENCE * pages);
        }
        return completion;
    }

    @Override
    public void drain() {
        flushAll(true);
    }

    @Override
    public void close() {
        closed = true;
        drain();
    }

    /** Who tries a sync again that threw has an empty gather, and must not hear that it is done. */
    private void repeatIfFailed(int domainId, IotlbGather.Owner owner) {
        DomainBatches domain = domains.find(domainId, owner);
        if (domain != null && domain.hasFailed()) {
            domain.flush(true);
        }
    }

    private DomainBatches find(int domainId, IotlbGather gather) {
        return domains.findOrAdd(
                domainId,
                gather.owner(),
                () -> new DomainBatches(domainId, gather, count, unit, heldPages));
    }

    /** Sees to it that everything is flushed within the age, as long as there is anything. */
    private void arm() {
        if (!closed && armed.compareAndSet(false, true)) {
            try {
                var ignored =
                        context.scheduler()
                                .get()
                                .schedule(this::expire, age.toNanos(), TimeUnit.NANOSECONDS);
            } catch (RejectedExecutionException | IllegalStateException e) {
                /* The Iommu is being closed, which drains. */
                closed = true;
            }
        }
    }

    private void expire() {
        try {
            flushAll(true);
            failing = false;
        } catch (RuntimeException e) {
            if (!failing) {
                LOG.log(
                        Logger.Level.WARNING,
                        "an invalidation failed; what it was for is kept, and it is repeated until"
                                + " it succeeds",
                        e);
            }
            failing = true;
        } finally {
            domains.retireIdle();
            armed.set(false);
            if (!domains.isEmpty()) {
                arm();
            }
        }
    }

    /** Completes everything handed over before, of every domain, with waits that overlap. */
    private void flushAll(boolean wait) {
        if (wait) {
            flushingAll.lock();
        } else if (!flushingAll.tryLock()) {
            return;
        }
        try (CombinedFlush flush = new CombinedFlush(unit)) {
            domains.all().forEach(flush::begin);
            flush.complete();
        } finally {
            flushingAll.unlock();
        }
    }
}
