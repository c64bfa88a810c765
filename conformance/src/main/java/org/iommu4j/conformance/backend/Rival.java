package org.iommu4j.conformance.backend;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.iommu4j.conformance.Evidence;

/** Another thread that works on the same domain at the same time. */
final class Rival {

    private static final long LONG_MILLIS = 20_000;

    private final CompletableFuture<Void> done;
    private final String what;

    private Rival(String what, Runnable work) {
        this.what = what;
        this.done =
                CompletableFuture.runAsync(
                        work,
                        task -> Thread.ofPlatform().name("rival: " + what).daemon().start(task));
    }

    static Rival starts(String what, Runnable work) {
        return new Rival(what, work);
    }

    /** {@return true if it was done within a time} */
    boolean isDoneWithin(long millis) {
        try {
            done.get(millis, TimeUnit.MILLISECONDS);
            return true;
        } catch (TimeoutException e) {
            return false;
        } catch (ExecutionException e) {
            return true;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    /** Waits for it as {@link #join(Evidence)} does, and does something over and over meanwhile. */
    void join(Evidence evidence, Runnable meanwhile) {
        long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(LONG_MILLIS);
        while (!done.isDone() && System.nanoTime() - end < 0) {
            meanwhile.run();
        }
        join(evidence);
    }

    /** Waits for it, and throws what it threw. */
    void join(Evidence evidence) {
        if (!isDoneWithin(LONG_MILLIS)) {
            throw evidence.broken(what + " had not ended after " + LONG_MILLIS / 1000 + " s");
        }
        try {
            done.join();
        } catch (CompletionException e) {
            if (e.getCause() instanceof RuntimeException cause) {
                throw cause;
            }
            throw e;
        }
    }
}
