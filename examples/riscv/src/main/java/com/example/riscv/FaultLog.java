package com.example.riscv;

import java.lang.System.Logger;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.iommu4j.api.DmaFault;
import org.iommu4j.api.FaultCounts;
import org.jspecify.annotations.Nullable;

/**
 * Takes the faults that the unit records to those who listen. One thread looks at the queue every
 * few milliseconds, from the first listener on.
 */
final class FaultLog {

    private static final Logger LOG = System.getLogger(FaultLog.class.getName());
    private static final long PERIOD_MILLIS = 2;

    private final @Nullable Unit unit;
    private final List<FaultListener> listeners = new CopyOnWriteArrayList<>();
    private final AtomicLong recorded = new AtomicLong();
    private final AtomicLong overflows = new AtomicLong();
    private final AtomicLong dropped = new AtomicLong();
    private @Nullable Thread looker;
    private boolean closed;

    FaultLog(@Nullable Unit unit) {
        this.unit = unit;
    }

    synchronized AutoCloseable listen(Consumer<? super DmaFault> hears) {
        if (closed) {
            throw new IllegalStateException("the Iommu is closed");
        }
        FaultListener listener = new FaultListener(hears);
        listeners.add(listener);
        if (looker == null) {
            looker = Thread.ofPlatform().daemon().name("riscv faults").start(this::lookOften);
        }
        return () -> end(listener);
    }

    FaultCounts counts() {
        return new FaultCounts(recorded.get(), overflows.get(), dropped.get());
    }

    /** Looks a last time if anybody listens, and ends every hearing. */
    void close() {
        synchronized (this) {
            closed = true;
            if (looker != null) {
                looker.interrupt();
                look();
            }
        }
        listeners.forEach(FaultListener::end);
        listeners.clear();
    }

    private void end(FaultListener listener) {
        look();
        if (listeners.remove(listener)) {
            listener.end();
        }
    }

    private void lookOften() {
        try {
            while (true) {
                Thread.sleep(PERIOD_MILLIS);
                try {
                    look();
                } catch (RuntimeException e) {
                    LOG.log(Logger.Level.WARNING, "the fault queue could not be read", e);
                }
            }
        } catch (InterruptedException e) {
            LOG.log(Logger.Level.DEBUG, "nobody looks for faults any more");
        }
    }

    private synchronized void look() {
        if (unit != null && unit.takeFaults(this::tell)) {
            overflows.incrementAndGet();
        }
    }

    private void tell(DmaFault fault) {
        recorded.incrementAndGet();
        for (FaultListener listener : listeners) {
            if (!listener.tell(fault)) {
                dropped.incrementAndGet();
            }
        }
    }
}
