package org.iommu4j.vtd;

import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.iommu4j.api.DmaFault;

/**
 * One who hears of faults, on a thread and from a queue of its own, so that it may throw or block
 * without anybody else noticing. What does not fit into the queue is dropped and counted.
 */
final class FaultListener {

    private static final Logger LOG = LogManager.getLogger(FaultListener.class);
    private static final int CAPACITY = 4096;
    private static final long LAST_WORDS_MILLIS = 1000;

    private final Consumer<? super DmaFault> hears;
    private final AtomicLong dropped;
    private final BlockingQueue<DmaFault> waiting = new ArrayBlockingQueue<>(CAPACITY);
    private final Thread thread;
    private volatile boolean ending;
    private boolean full;
    private boolean threw;

    /**
     * Begins to listen.
     *
     * @param hears what to call
     * @param dropped counts what could not be delivered
     */
    FaultListener(Consumer<? super DmaFault> hears, AtomicLong dropped) {
        this.hears = hears;
        this.dropped = dropped;
        this.thread =
                Thread.ofPlatform().daemon().name("iommu4j vtd faults heard").start(this::run);
    }

    /** Tells of a fault; never waits. Called by one thread at a time. */
    void tell(DmaFault fault) {
        boolean fits = waiting.offer(fault);
        if (!fits) {
            dropped.incrementAndGet();
            if (!full) {
                LOG.warn("a fault listener is too slow; from {} on faults are dropped", fault);
            }
        }
        full = !fits;
    }

    /**
     * Ends the hearing: what it was told before is heard, if it hears it within a second. The
     * listener itself may call this.
     */
    void end() {
        ending = true;
        if (Thread.currentThread() != thread) {
            try {
                thread.join(LAST_WORDS_MILLIS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            thread.interrupt();
        }
    }

    private void run() {
        try {
            while (!ending || !waiting.isEmpty()) {
                DmaFault fault = waiting.poll(10, TimeUnit.MILLISECONDS);
                if (fault != null) {
                    hear(fault);
                }
            }
        } catch (InterruptedException e) {
            LOG.debug("a fault listener ended with {} faults unheard", waiting.size());
        }
    }

    private void hear(DmaFault fault) {
        try {
            hears.accept(fault);
        } catch (RuntimeException | Error e) {
            if (threw) {
                LOG.debug("a fault listener threw again when it heard: {}", fault, e);
            } else {
                LOG.warn("a fault listener threw when it heard: {}", fault, e);
            }
            threw = true;
        }
    }
}
