package org.iommu4j.vtd;

import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import org.jspecify.annotations.Nullable;

/** One thread for what flush policies do later; there is none until a policy asks for it. */
@Singleton
final class BackgroundWork implements AutoCloseable {

    private @Nullable ScheduledThreadPoolExecutor executor;
    private boolean closed;

    @Inject
    BackgroundWork() {}

    synchronized ScheduledExecutorService executor() {
        if (closed) {
            throw new IllegalStateException("the Iommu is closed");
        }
        if (executor == null) {
            executor =
                    new ScheduledThreadPoolExecutor(
                            1, Thread.ofPlatform().name("iommu4j vtd flush").daemon().factory());
            executor.setRemoveOnCancelPolicy(true);
        }
        return executor;
    }

    @Override
    public synchronized void close() {
        closed = true;
        if (executor != null) {
            executor.shutdownNow();
        }
    }
}
