package org.iommu4j.vtd;

import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.iommu4j.api.DmaFault;
import org.iommu4j.api.FaultCounts;
import org.iommu4j.vtd.event.FaultEvent;
import org.jspecify.annotations.Nullable;

/**
 * Takes the faults that units record to those who listen. One thread looks at the records every few
 * milliseconds, from the first listener on.
 */
@Singleton
final class FaultLog {

    private static final Logger LOG = LogManager.getLogger(FaultLog.class);
    private static final long PERIOD_MILLIS = 2;
    private static final long LAST_LOOK_MILLIS = 1000;

    private final RemappingUnits units;
    private final FaultExplainer explainer;
    private final List<FaultListener> listeners = new CopyOnWriteArrayList<>();
    private final AtomicLong recorded = new AtomicLong();
    private final AtomicLong overflows = new AtomicLong();
    private final AtomicLong dropped = new AtomicLong();
    private @Nullable Thread looker;
    private boolean closed;

    @Inject
    FaultLog(RemappingUnits units, FaultExplainer explainer) {
        this.units = units;
        this.explainer = explainer;
    }

    /**
     * Adds a listener.
     *
     * @param hears what to call, on a thread of its own
     * @return closing it ends the hearing, after what was recorded before
     * @throws IllegalStateException if this is closed
     */
    synchronized AutoCloseable listen(Consumer<? super DmaFault> hears) {
        if (closed) {
            throw new IllegalStateException("the Iommu is closed");
        }
        FaultListener listener = new FaultListener(hears, dropped);
        listeners.add(listener);
        begin();
        return () -> end(listener);
    }

    /** Begins to look for faults that nobody listens to, if they are to be logged or recorded. */
    synchronized void watch() {
        if (!closed && (LOG.isDebugEnabled() || FaultEvent.isOn())) {
            begin();
        }
    }

    private void begin() {
        if (looker == null) {
            looker =
                    Thread.ofPlatform()
                            .daemon()
                            .name("iommu4j vtd faults")
                            .start(this::lookAgainAndAgain);
        }
    }

    /** Looks now, while devices are still attached to what explains their faults. */
    synchronized void lookBeforeDetach() {
        if (looker != null) {
            look();
        }
    }

    private void end(FaultListener listener) {
        look();
        if (listeners.remove(listener)) {
            listener.end();
        }
    }

    /** {@return what was found so far} */
    FaultCounts counts() {
        return new FaultCounts(recorded.get(), overflows.get(), dropped.get());
    }

    /**
     * Looks a last time if anybody listens, and ends every hearing: whoever looks has ended when
     * this returns, if that takes no more than a second, so that nobody reads what may be gone, or
     * logs, behind its back. Idempotent.
     */
    void close() {
        Thread ended;
        synchronized (this) {
            ended = looker;
            looker = null;
            closed = true;
        }
        if (ended != null) {
            ended.interrupt();
            awaitEnd(ended);
            look();
        }
        for (FaultListener listener : listeners) {
            listener.end();
        }
        listeners.clear();
    }

    private static void awaitEnd(Thread ended) {
        if (ended.equals(Thread.currentThread())) {
            return; // a listener closes
        }
        try {
            ended.join(LAST_LOOK_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void lookAgainAndAgain() {
        boolean failed = false;
        try {
            while (true) {
                Thread.sleep(PERIOD_MILLIS);
                try {
                    look();
                    failed = false;
                } catch (RuntimeException e) {
                    if (!failed) {
                        LOG.error("the fault records cannot be read; trying again and again", e);
                    }
                    failed = true;
                }
            }
        } catch (InterruptedException e) {
            LOG.debug("nobody looks for faults any more");
        }
    }

    private synchronized void look() {
        for (Unit unit : units.all()) {
            if (unit.takeFaults(this::tell)) {
                overflows.incrementAndGet();
            }
        }
    }

    private void tell(DmaFault recordedFault) {
        recorded.incrementAndGet();
        DmaFault fault = explainer.explained(recordedFault);
        LOG.debug("{}", fault);
        if (FaultEvent.isOn()) {
            record(fault);
        }
        for (FaultListener listener : listeners) {
            listener.tell(fault);
        }
    }

    private static void record(DmaFault fault) {
        FaultEvent.happened(
                fault.source().toString(),
                fault.pasid(),
                fault.iova(),
                fault.write() ? "write" : "read",
                fault.code(),
                fault.reason(),
                fault.overflowed(),
                fault.explanation().map(Object::toString).orElse(""));
    }
}
