package com.example.riscv;

import java.lang.System.Logger;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.SubmissionPublisher;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.iommu4j.api.DmaFault;
import org.jspecify.annotations.Nullable;

/**
 * One who hears of faults, on a thread and from a queue of its own, so that it may throw or block
 * without anybody else noticing.
 */
final class FaultListener {

    private static final Logger LOG = System.getLogger(FaultListener.class.getName());
    private static final int CAPACITY = 4096;
    private static final long LAST_WORDS_MILLIS = 1000;
    private static final Executor OWN_THREAD =
            task -> Thread.ofPlatform().daemon().name("riscv faults heard").start(task);

    private final SubmissionPublisher<DmaFault> waiting =
            new SubmissionPublisher<>(OWN_THREAD, CAPACITY);
    private final CompletableFuture<Void> allHeard;
    private volatile @Nullable Thread hearer;
    private volatile boolean threw;

    FaultListener(Consumer<? super DmaFault> hears) {
        this.allHeard = waiting.consume(fault -> hear(hears, fault));
    }

    /** Tells of a fault; never waits. False if too many wait already. */
    boolean tell(DmaFault fault) {
        return waiting.offer(fault, null) >= 0;
    }

    /** Ends the hearing: what it was told before is heard, if it hears it within a second. */
    void end() {
        waiting.close();
        if (Thread.currentThread() == hearer) {
            return; // a listener that ends itself does not wait for itself
        }
        try {
            allHeard.get(LAST_WORDS_MILLIS, TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (ExecutionException | TimeoutException e) {
            LOG.log(Logger.Level.WARNING, "a fault listener did not hear everything", e);
        }
    }

    private void hear(Consumer<? super DmaFault> hears, DmaFault fault) {
        hearer = Thread.currentThread();
        try {
            hears.accept(fault);
        } catch (RuntimeException | Error e) {
            if (!threw) {
                threw = true;
                LOG.log(Logger.Level.WARNING, "a fault listener threw when it heard: " + fault, e);
            }
        }
    }
}
